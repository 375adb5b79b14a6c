/** Files on their way to the server: resumable (tus 1.0), also over a reload of the page. */
import { reactive } from "vue";

import { address } from "@/api/http";

const CHUNK = 4 * 1024 * 1024; // octets a request; a lost connection costs at most this much

export interface Uploading {
  key: number;
  name: string;
  type: string;
  size: number;
  sent: number;
  id: string | null; // of the attachment, when all of it is there
  error: string | null;
  preview: string | null; // an address of a picture to show
  abort: () => void;
}

let lastKey = 0;

/** Starts an upload; what comes back changes as it proceeds. */
export function upload(file: File): Uploading {
  const item = reactive<Uploading>({
    key: ++lastKey,
    name: file.name,
    type: file.type || "application/octet-stream",
    size: file.size,
    sent: 0,
    id: null,
    error: null,
    preview: file.type.startsWith("image/") ? URL.createObjectURL(file) : null,
    abort: () => undefined,
  });
  void begin(file, item);
  return item;
}

async function begin(file: File, item: Uploading): Promise<void> {
  let isGivenUp = false;
  item.abort = () => (isGivenUp = true);
  const { Upload } = await import("tus-js-client"); // not needed before somebody sends a file
  if (isGivenUp) return;
  const tus = new Upload(file, {
    endpoint: address("/uploads"),
    chunkSize: CHUNK,
    retryDelays: [0, 1000, 3000, 5000, 10_000, 20_000, 60_000],
    removeFingerprintOnSuccess: true,
    headers: { "X-Gorizont": "1" },
    metadata: { filename: file.name, filetype: item.type },
    onProgress: (sent) => (item.sent = sent),
    onSuccess: () => {
      item.id = tus.url?.split("/").pop() ?? null; // the upload's id is the attachment's
      item.sent = item.size;
    },
    onError: (error) => (item.error = error.message),
  });
  item.abort = () => {
    void tus.abort(true).catch(() => undefined);
    if (item.preview) URL.revokeObjectURL(item.preview);
  };
  const previous = (await tus.findPreviousUploads())[0];
  if (previous) tus.resumeFromPreviousUpload(previous);
  tus.start();
}
