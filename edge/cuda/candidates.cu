// The first half of alpr.decode.detections: what scores enough, best first, at most so many. A few kilobytes leave the device
// instead of every point. Suppression stays in alpr.decode, which sees the same rows in the same order.

struct Candidate { // edge/cuda/layout.py: CANDIDATE
    float score;
    float box[4];  // xyxy, px of the canvas
    float quad[8]; // x1 y1 … x4 y4
};
static_assert(sizeof(Candidate) == 52, "edge/cuda/layout.py: CANDIDATE");

__device__ inline bool all_finite(const float *values, int count) {
    for (int i = 0; i < count; i++)
        if (!(fabsf(values[i]) <= 3.402823466e38f))
            return false;
    return true;
}

struct Points {
    const float *scores, *boxes, *quads; // (count,), (count, 4), (count, 8)
    float threshold;

    __device__ bool keeps(int i) const {
        const float *box = boxes + 4 * i;
        return scores[i] >= threshold && box[2] > box[0] && box[3] > box[1] && all_finite(box, 4) && all_finite(quads + 8 * i, 8);
    }

    __device__ bool before(int j, int i) const { return scores[j] > scores[i] || (scores[j] == scores[i] && j < i); }
};

// One thread a point; it counts who comes before it, so that rows are in order without sorting. `found` starts at 0 and may exceed `most`.
extern "C" __global__ void candidates(
    const float *scores, const float *boxes, const float *quads, int count, float threshold, int most, Candidate *rows, int *found) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    Points points = {scores, boxes, quads, threshold};
    if (i >= count || !points.keeps(i))
        return;
    atomicAdd(found, 1);
    int rank = 0;
    for (int j = 0; j < count && rank < most; j++)
        rank += points.before(j, i) && points.keeps(j);
    if (rank >= most)
        return;
    Candidate &row = rows[rank];
    row.score = scores[i];
    for (int k = 0; k < 4; k++)
        row.box[k] = boxes[4 * i + k];
    for (int k = 0; k < 8; k++)
        row.quad[k] = quads[8 * i + k];
}
