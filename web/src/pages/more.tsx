// The phone's last tab: everything that does not fit the bar.

import { urlOf } from '../base.ts';
import { href } from '../router.ts';
import { isAdmin, session, signOut } from '../session.ts';
import { Button } from '../ui/button.tsx';
import { Icon, type IconName } from '../ui/icons.tsx';
import { useTitle } from '../ui/title.ts';

function Line({ to, icon, name, about }: { to: string; icon: IconName; name: string; about: string }) {
  return (
    <a class="row more-line" href={to}>
      <Icon name={icon} />
      <span class="grow">
        <span class="name">{name}</span>
        <br />
        <span class="soft small">{about}</span>
      </span>
      <Icon name="next" />
    </a>
  );
}

export function MorePage() {
  useTitle('More');
  const user = session.value.kind === 'signedIn' ? session.value.user : null;
  return (
    <>
      <div class="page-head">
        <h1>More</h1>
      </div>
      <div class="card stack">
        <div class="rows">
          <Line to={href('storage')} icon="disk" name="Storage" about="What the recordings take" />
          {isAdmin.value && (
            <>
              <Line to={href('add')} icon="plus" name="Add a camera" about="Search the network, or by hand" />
              <Line to={href('users')} icon="users" name="Users" about="Who may sign in" />
              <Line to={href('tokens')} icon="key" name="Tokens" about="Access for other programs" />
              <Line to={href('audit')} icon="check" name="Audit" about="Who did what, and from where" />
            </>
          )}
          <Line to={urlOf('api/docs')} icon="settings" name="API" about="Everything Perch offers to programs" />
        </div>
        <p class="soft">
          Signed in as <b>{user?.username}</b>, {user?.role === 'admin' ? 'administrator' : 'viewer'}
        </p>
        <Button icon="exit" onClick={() => void signOut()}>
          Sign out
        </Button>
      </div>
    </>
  );
}
