"""Everything that only a GPU can show: kernels, engines, events and speed on the device, against the same on the processor."""
