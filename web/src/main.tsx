// The dashboard's first line: styles, then the app.

import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/parts.css';
import './styles/live.css';
import './styles/recordings.css';
import './styles/pages.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { loadSession } from './session.ts';

const root = document.getElementById('app');
if (root) render(<App />, root);
void loadSession();
