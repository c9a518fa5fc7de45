// The <video> whose sound the button switches, when the pictures bring their own sound.

import { signal } from '@preact/signals';

/** `null`: the pictures on the page have no sound of their own. */
export const videoWithSound = signal<HTMLVideoElement | null>(null);
