"""The live view: a page on the unit for whoever installs and watches it. `view` opens it, `server` speaks HTTP, `access` says to whom,
`watch` takes note of what the loop does, `picture` draws it, `meter` and `advice` measure the plates, `ground` saves zones."""
