// The frame of every page: who may be here, navigation, and which page the hash means.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { cameras, forgetCameras, loadCameras } from './cameras.ts';
import { parseDay, spanOf } from './day.ts';
import { connected, startEvents, stopEvents } from './events.ts';
import { AuditPage } from './pages/audit.tsx';
import { CameraPage } from './pages/camera.tsx';
import { AddCameraPage } from './pages/camera-add.tsx';
import { EditCameraPage } from './pages/camera-edit.tsx';
import { EventsPage } from './pages/events.tsx';
import { SetUpPage, SignInPage, UnreachablePage } from './pages/gate.tsx';
import { GridPage } from './pages/grid.tsx';
import { MorePage } from './pages/more.tsx';
import { TokensPage } from './pages/tokens.tsx';
import { UsersPage } from './pages/users.tsx';
import { stopLive } from './players/live.ts';
import { go, href, route } from './router.ts';
import { isAdmin, session, signOut } from './session.ts';
import { placeHash } from './timeline/place.ts';
import { Button } from './ui/button.tsx';
import { Icon, type IconName, Logo } from './ui/icons.tsx';
import { lazyPage } from './ui/lazy-page.tsx';
import { Empty } from './ui/notice.tsx';
import { Toasts } from './ui/toasts.tsx';

const StoragePage = lazyPage(() => import('./pages/storage.tsx').then((page) => page.StoragePage));
const TimelinePage = lazyPage(() => import('./pages/timeline.tsx').then((page) => page.TimelinePage));

export function App() {
  const state = session.value;
  const user = state.kind === 'signedIn' ? state.user.username : null;
  useEffect(() => {
    if (user === null) return;
    startEvents();
    void loadCameras();
    return () => {
      stopEvents();
      stopLive();
      forgetCameras();
    };
  }, [user]);
  return (
    <>
      {state.kind === 'signedIn' ? <Frame user={state.user.username} /> : <Gate />}
      <Toasts />
    </>
  );
}

function Gate() {
  const state = session.value;
  switch (state.kind) {
    case 'setup':
      return <SetUpPage />;
    case 'signedOut':
      return <SignInPage />;
    case 'unreachable':
      return <UnreachablePage message={state.message} />;
    default:
      return null;
  }
}

function Frame({ user }: { user: string }) {
  const main = useRef<HTMLElement>(null);
  const { path } = route.value;
  const where = path.join('/');
  const first = useRef(true);
  // A new page begins at its top, and screen readers and the keyboard begin at its heading.
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    scrollTo(0, 0);
    const heading = main.current?.querySelector('h1');
    heading?.setAttribute('tabindex', '-1');
    heading?.focus({ preventScroll: true });
  }, [where]);
  const section = path[0] ?? '';
  return (
    <>
      <button type="button" class="button skip" onClick={() => main.current?.focus()}>
        Skip to the page
      </button>
      <header class="bar">
        <a class="brand" href={href()} aria-label="Perch, live pictures">
          <Logo />
          Perch
        </a>
        <nav class="nav" aria-label="Pages">
          <NavLink to="" icon="grid" current={section === '' || section === 'camera' || section === 'add'}>
            Live
          </NavLink>
          <NavLink to="timeline" icon="film" current={section === 'timeline'}>
            Timeline
          </NavLink>
          <NavLink to="events" icon="bell" current={section === 'events'}>
            Events
          </NavLink>
          <NavLink to="storage" icon="disk" current={section === 'storage'} only="wide">
            Storage
          </NavLink>
          {isAdmin.value && (
            <>
              <NavLink to="users" icon="users" current={section === 'users'} only="wide">
                Users
              </NavLink>
              <NavLink to="tokens" icon="key" current={section === 'tokens'} only="wide">
                Tokens
              </NavLink>
              <NavLink to="audit" icon="check" current={section === 'audit'} only="wide">
                Audit
              </NavLink>
            </>
          )}
          <NavLink
            to="more"
            icon="more"
            current={['more', 'storage', 'users', 'tokens', 'audit'].includes(section)}
            only="phone"
          >
            More
          </NavLink>
        </nav>
        <div class="bar-end">
          <span class="who" title={`Signed in as ${user}`}>
            {user}
          </span>
          <span class="only-wide">
            <Button kind="quiet" icon="exit" label="Sign out" onClick={() => void signOut()} />
          </span>
        </div>
      </header>
      {connected.value === false && (
        <div class="lost-line" role="alert">
          <span class="spinner" aria-hidden="true" />
          Perch does not answer. Trying again.
        </div>
      )}
      <main id="main" ref={main} tabIndex={-1} class={section === '' || section === 'timeline' ? 'wide' : ''}>
        <Page path={path} />
      </main>
    </>
  );
}

type NavProps = {
  readonly to: string;
  readonly icon: IconName;
  readonly current: boolean;
  readonly only?: 'wide' | 'phone';
  readonly children: ComponentChildren;
};

function NavLink({ to, icon, current, only, children }: NavProps) {
  return (
    <a
      class={only ? `only-${only}` : ''}
      href={to === '' ? href() : href(to)}
      {...(current ? { 'aria-current': 'page' as const } : {})}
    >
      <Icon name={icon} />
      {children}
    </a>
  );
}

function Page({ path }: { path: readonly string[] }) {
  const [section, ref, part] = path;
  switch (section) {
    case undefined:
      return <GridPage />;
    case 'add':
      return isAdmin.value ? <AddCameraPage /> : <NotHere />;
    case 'camera':
      if (part === 'edit') return isAdmin.value ? <EditCameraPage camera={ref ?? ''} key={ref} /> : <NotHere />;
      return <CameraPage camera={ref ?? ''} key={ref} />;
    case 'timeline':
      return <TimelinePage />;
    case 'recordings':
      return <OldRecordings camera={ref} day={part} />;
    case 'events':
      return <EventsPage />;
    case 'storage':
      return <StoragePage />;
    case 'users':
      return isAdmin.value ? <UsersPage /> : <NotHere />;
    case 'tokens':
      return isAdmin.value ? <TokensPage /> : <NotHere />;
    case 'audit':
      return isAdmin.value ? <AuditPage /> : <NotHere />;
    case 'more':
      return <MorePage />;
    default:
      return <NotHere />;
  }
}

/** Where recordings were before there was a timeline: bookmarks still lead to the same day. */
function OldRecordings({ camera, day }: { camera: string | undefined; day: string | undefined }) {
  useEffect(() => {
    const at = parseDay(day) === null ? null : spanOf(day ?? '').from;
    go(placeHash({ camera: camera ?? null, at, spanMs: null }), 'replace');
  }, []);
  return null;
}

/** A page that does not exist, or not for this user. */
function NotHere() {
  return (
    <Empty icon="search" title="There is nothing here">
      <p>The page or camera was removed, or your account may not see it.</p>
      <a class="button" href={href()}>
        {cameras.value === null ? 'To the start' : 'To the live pictures'}
      </a>
    </Empty>
  );
}
