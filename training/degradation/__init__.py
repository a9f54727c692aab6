"""How a road, a lens, a sensor and a codec spoil a plate. numpy and cv2 only, so that calibration can use it without torch."""
