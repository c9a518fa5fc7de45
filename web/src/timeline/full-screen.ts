// The picture over the whole screen.

/** Fills the screen with an element, or gives it back. */
export function toggleFullScreen(stage: HTMLElement | null): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  // With the focus, or keys would go to the button that was pressed, behind the picture.
  else
    stage?.requestFullscreen?.().then(
      () => stage.focus(),
      () => {},
    );
}
