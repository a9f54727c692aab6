// The live picture: one request after the other over one connection, so that a slow one gets fewer pictures and no old ones.
const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));

export class Picture {
  constructor(canvas, away) {
    this.canvas = canvas;
    this.away = away;
    this.sized = () => {};
    this.camera = "";
    this.seen = "";
    this.run();
  }

  watch(camera) {
    this.camera = camera;
    this.seen = "";
    this.asking?.abort(); // the answer would be of the other camera
  }

  async run() {
    for (;;) {
      if (!this.camera || document.hidden) await pause(300);
      else await this.next().catch(() => pause(1000));
    }
  }

  async next() {
    this.asking = new AbortController();
    const camera = this.camera;
    const answer = await fetch(`/api/picture/${encodeURIComponent(camera)}?after=${this.seen}`, { signal: this.asking.signal });
    if (answer.status === 401) return location.reload();
    if (answer.status === 200) {
      const bitmap = await createImageBitmap(await answer.blob());
      if (camera === this.camera) this.draw(bitmap);
      this.seen = answer.headers.get("X-Picture");
    } else {
      this.away.hidden = false;
      this.away.textContent = answer.status === 204 ? "The camera gives no picture now." : "No picture.";
      if (answer.status !== 204) await pause(1000);
    }
  }

  draw(bitmap) {
    if (this.canvas.width !== bitmap.width || this.canvas.height !== bitmap.height) {
      this.canvas.width = bitmap.width;
      this.canvas.height = bitmap.height;
      this.sized(bitmap.width, bitmap.height);
    }
    this.canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    this.away.hidden = true;
  }
}
