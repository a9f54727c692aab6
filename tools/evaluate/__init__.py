"""What enhancement and voting are worth: tables and pictures, made by commands."""
