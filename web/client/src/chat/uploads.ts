/**
 * Files on their way to the server: resumable (tus 1.0), also over a reload of the page.
 *
 * They belong to a conversation and not to what shows it: who looks into another one finds them when he is back.
 */
import { reactive } from "vue";

import { address } from "@/api/http";

const CHUNK = 4 * 1024 * 1024; // octets a request; a lost connection costs at most this much
const AGAIN = 5_000; // ms until an upload goes on that the network has ended

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

const byConversation = reactive(new Map<string, Uploading[]>());
let lastKey = 0;

/** The files that wait for the next message of a conversation. */
export const uploadsOf = (conversation: string): readonly Uploading[] => byConversation.get(conversation) ?? [];

/** Starts an upload; what comes back changes as it proceeds. */
export function attach(conversation: string, file: File): Uploading {
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
  byConversation.set(conversation, [...uploadsOf(conversation), item]);
  void begin(file, item).catch((error: unknown) => (item.error = String(error)));
  return item;
}

/** Takes a file away again, also from the server. */
export function discard(conversation: string, one: Uploading): void {
  one.abort();
  leave(conversation, (other) => other.key !== one.key);
}

/** Those that are complete, to be sent with a message. One that has failed stays, so that nobody thinks it was sent. */
export function takeComplete(conversation: string): Uploading[] {
  const complete = uploadsOf(conversation).filter((one) => one.id !== null);
  leave(conversation, (one) => one.id === null);
  return complete;
}

/** Nothing of a person who signs out goes on, nor can the next one resume it. */
export function forgetUploads(): void {
  for (const [conversation, uploads] of byConversation) {
    for (const one of uploads) if (one.id === null) one.abort();
    leave(conversation, () => false);
  }
  for (const key of Object.keys(localStorage)) if (key.startsWith("tus::")) localStorage.removeItem(key);
}

function leave(conversation: string, stays: (one: Uploading) => boolean): void {
  const before = uploadsOf(conversation);
  for (const one of before) if (!stays(one) && one.preview) URL.revokeObjectURL(one.preview);
  const left = before.filter(stays);
  if (left.length) byConversation.set(conversation, left);
  else byConversation.delete(conversation);
}

async function begin(file: File, item: Uploading): Promise<void> {
  let isGivenUp = false;
  item.abort = () => (isGivenUp = true);
  const { Upload } = await import("tus-js-client"); // not needed before somebody sends a file
  const tus = new Upload(file, {
    endpoint: address("/uploads"),
    chunkSize: CHUNK,
    retryDelays: [0, 1000, 3000],
    removeFingerprintOnSuccess: true,
    headers: { "X-Gorizont": "1" },
    metadata: { filename: file.name, filetype: item.type },
    onProgress: (sent) => (item.sent = sent),
    onSuccess: () => {
      item.id = tus.url?.split("/").pop() ?? null; // the upload's id is the attachment's
      item.sent = item.size;
    },
    onError: (error) => {
      const status = "originalResponse" in error ? (error.originalResponse?.getStatus() ?? 0) : 0;
      if (status >= 400 && status < 500) item.error = error.message;
      else again = setTimeout(() => tus.start(), AGAIN); // the network has gone, or the server: from where it stopped
    },
  });
  let again: ReturnType<typeof setTimeout> | undefined;
  const previous = (await tus.findPreviousUploads())[0];
  if (isGivenUp) return;
  item.abort = () => {
    clearTimeout(again);
    void tus.abort(true).catch(() => undefined);
  };
  if (previous) tus.resumeFromPreviousUpload(previous);
  tus.start();
}
