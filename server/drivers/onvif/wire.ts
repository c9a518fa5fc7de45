// Bytes of ONVIF in both directions, pure. One door, also for the simulator.

export * from './wire-discovery.ts';
export * from './wire-media.ts';
export * from './wire-soap.ts';
export * from './wire-xml.ts';
