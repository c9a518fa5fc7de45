// What is said before a camera is saved that cannot be reached without somebody else's service: who is asked, and what for.

import type { DriverInfo, DriverSettings } from '../api-types.ts';
import { outsideHosts } from './outside-hosts.ts';

export function OutsideNotice({ driver, settings }: { driver: DriverInfo; settings: DriverSettings }) {
  const hosts = outsideHosts(driver.outside, settings);
  if (hosts.length === 0) return null;
  return (
    <p class="hint outside" role="note">
      To find the device, Perch asks <b>{hosts.join(', ')}</b> and tells it the serial number; its relay may carry the
      pictures when there is no direct way. Nothing is sent before you test or add the device, nor while it is switched
      off.
    </p>
  );
}
