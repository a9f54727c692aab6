// alpr.imaging.picture_from_tensor: what LPSR drew, as pictures of bytes, for the reader and for people.
#include "pixels.cuh"

__device__ inline unsigned char byte_from(float value) { return (unsigned char)fminf(fmaxf(value * 255.f + 0.5f, 0.f), 255.f); }

// tensor: (gridDim.z, 3, height, width) float RGB in 0..1 → bgr: (gridDim.z, height, width, 3) bytes
extern "C" __global__ void pictures(const float *tensor, unsigned char *bgr, int height, int width) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height)
        return;
    size_t plane = (size_t)height * width, at = (size_t)y * width + x;
    const float *from = tensor + (size_t)blockIdx.z * 3 * plane + at;
    unsigned char *to = bgr + ((size_t)blockIdx.z * plane + at) * 3;
    to[0] = byte_from(from[2 * plane]);
    to[1] = byte_from(from[plane]);
    to[2] = byte_from(from[0]);
}
