import { isObject } from '../sdpf/input.ts';
import type { JsonObject } from '../sdpf/input.ts';

/** A node as the samples show it: unset is "", and there is one link each (seed 004 L12684-L12808). */
export function nodeOfGateway(node: unknown): JsonObject {
  return mapped(node, (value) => value ?? '');
}

/** The answer to a create: 17 keys, `maintenance` and `instanceInfo` are strings (seed 004 L13639-L13752). */
export function shortNode(full: unknown): JsonObject {
  const node = nodeOfGateway(full);
  const info = isObject(node.driver_info) ? node.driver_info : {};
  const names = [
    'uuid',
    'instance_uuid',
    'maintenance',
    'provision_state',
    'target_provision_state',
    'power_state',
    'target_power_state',
    'maintenance_reason',
    'last_error',
    'reservation',
    'driver',
  ];
  return {
    ...Object.fromEntries(names.map((name) => [name, node[name]])),
    maintenance: node.maintenance === true ? 'true' : '',
    driver_info: { deploy_kernel: '', deploy_ramdisk: '', ...info },
    instanceInfo: '',
    console_enabled: node.console_enabled,
    updated_at: node.updated_at,
    created_at: node.created_at,
    chassis_uuid: node.chassis_uuid,
  };
}

/**
 * A port as the samples show it: unset is null (seed 004 L14174-L14196, L14349-L14371), but for `updated_at`. The list
 * types `extra` as a string, and describes it as an object.
 */
export function portOfGateway(port: unknown, extraAsText: boolean): JsonObject {
  const view = mapped(port, (value) => value);
  const extra = isEmpty(view.extra) ? null : view.extra;
  return {
    ...view,
    extra: extraAsText && extra !== null ? JSON.stringify(extra) : extra,
    internal_info: isEmpty(view.internal_info) ? null : view.internal_info,
    updated_at: view.updated_at ?? '',
  };
}

/** A port group as the samples show it: unset is "", and an empty `extra` null (seed 004 L14610, L14753). */
export function portGroupOfGateway(group: unknown): JsonObject {
  const view = mapped(group, (value) => value ?? '');
  return 'extra' in view && isEmpty(view.extra) ? { ...view, extra: null } : view;
}

function mapped(object: unknown, change: (value: unknown) => unknown): JsonObject {
  if (!isObject(object)) return {};
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(onlySelf(value))]));
}

/** Bookmarks stay behind. */
function onlySelf(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.filter((item: unknown) => !isObject(item) || item.rel !== 'bookmark');
}

function isEmpty(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}
