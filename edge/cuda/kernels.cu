// All kernels, as one module.
#include "candidates.cu"
#include "letterbox.cu"
#include "pictures.cu"
#include "plates.cu"
