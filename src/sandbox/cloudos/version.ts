import type { Settings } from '../settings.ts';
import type { Result } from '../types.ts';
import { routeFault } from './errors.ts';

const NAME = 'x-openstack-ironic-api-version';

/** The negotiated minor version of API 1, or the refusal. */
export type Negotiated = { minor: number; headers: Record<string, string> } | { refusal: Result };

/** Which version a request gets: the lowest where it names none (Ironic 21.4: 1.1). */
export function negotiate(settings: Settings, headers: Record<string, string>): Negotiated {
  const { minVersion, maxVersion } = settings;
  const range = {
    'x-openstack-ironic-api-minimum-version': minVersion,
    'x-openstack-ironic-api-maximum-version': maxVersion,
  };
  const asked = headers[NAME] ?? minVersion;
  const version = asked === 'latest' ? maxVersion : asked;
  const match = /^(\d+)\.(\d+)$/.exec(version);
  if (!match) return { refusal: routeFault(406, 'Invalid value for X-OpenStack-Ironic-API-Version header') };
  const minor = Number(match[2]);
  if (match[1] !== '1' || minor < minorOf(minVersion) || minor > minorOf(maxVersion)) {
    const text =
      match[1] === '1'
        ? `Version ${version} was requested but the minor version is not supported by this service.`
        : `Mutually exclusive versions requested. Version ${version} requested but not supported by this service.`;
    return {
      refusal: routeFault(406, `${text} The supported version range is: [${minVersion}, ${maxVersion}].`, range),
    };
  }
  return { minor, headers: { ...range, [NAME]: version } };
}

function minorOf(version: string): number {
  return Number(version.split('.')[1] ?? 0);
}
