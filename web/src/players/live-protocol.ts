// Placeholder until server/design/live-protocol.md is there.
export type LiveMessage =
  | { readonly kind: 'picture'; readonly id: number; readonly seq: number; readonly jpeg: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'lost'; readonly id: number };
export function subscribeMessage(id: number, camera: string, width: number | null): string {
  return JSON.stringify({ type: 'subscribe', id, camera, width });
}
export function unsubscribeMessage(id: number, camera: string): string {
  return JSON.stringify({ type: 'unsubscribe', id, camera });
}
export function ackMessage(message: { id: number; seq: number }): string {
  return JSON.stringify({ type: 'ack', id: message.id, seq: message.seq });
}
export function parseLive(_data: string | ArrayBuffer): LiveMessage | null {
  return null;
}
