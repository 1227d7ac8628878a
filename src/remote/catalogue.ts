import * as z from 'zod';
import { cleanText } from './text.ts';
import { tolerantList } from './tolerant-list.ts';

/** Which entry of a Keystone catalogue is meant. */
export interface ServiceQuery {
  /** E.g. `dedicated-hypervisor`, `baremetal`. */
  serviceType: string;
  /** Default `public`. */
  interface?: 'public' | 'internal' | 'admin';
  /** May be left out where the catalogue has the service in one region. */
  region?: string;
}

const endpoint = z.object({
  interface: z.string(),
  region: z.string().nullish(),
  region_id: z.string().nullish(),
  url: z.string(),
});

/** The `catalog` of a token: absent under `?nocatalog`, entries that cannot be read are passed over. */
export const catalogueSchema = tolerantList(
  z.object({ type: z.string(), endpoints: tolerantList(endpoint).transform((list) => list.items) }),
)
  .transform((list) => list.items)
  .nullish()
  .transform((services) => services ?? []);

export type CatalogueService = z.output<typeof catalogueSchema>[number];

/** The endpoint, or what is wrong with the catalogue. The URL of a catalogue is the remote's word: check it before use. */
export function findEndpoint(catalogue: readonly CatalogueService[], query: ServiceQuery): URL | string {
  const { serviceType, region } = query;
  const face = query.interface ?? 'public';
  const service = `${serviceType} (${face})`;
  const offered = catalogue
    .filter((entry) => entry.type === serviceType)
    .flatMap((entry) => entry.endpoints)
    .filter((entry) => entry.interface === face);
  const names = [...new Set(offered.map((entry) => entry.region_id ?? entry.region ?? ''))];
  const regions = cleanText(names.join(', '), 300);
  if (offered.length === 0) return `the catalogue has no service ${service}`;
  const found = offered.filter(
    (entry) => region === undefined || entry.region === region || entry.region_id === region,
  );
  const [first] = found;
  if (first === undefined) return `the catalogue has ${service} not in region ${region} but in ${regions}`;
  if (new Set(found.map((entry) => entry.url)).size > 1) {
    return region === undefined
      ? `the catalogue has ${service} in several regions (${regions}): name one`
      : `the catalogue has several ${service} in region ${region}`;
  }
  const url = URL.canParse(first.url) ? new URL(first.url) : undefined;
  return url ?? `the catalogue's URL of ${service} is none`;
}
