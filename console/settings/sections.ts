/** The sections of the form, in their order. Their ids stand in addresses. */
export const sectionIds = [
  'general',
  'authentication',
  'provisioning',
  'pki',
  'events',
  'retention',
  'limits',
  'danger',
] as const;
export type SectionId = (typeof sectionIds)[number];

export const sectionTitles: Readonly<Record<SectionId, string>> = {
  general: 'General',
  authentication: 'Authentication',
  provisioning: 'Provisioning',
  pki: 'Public Key Infrastructure',
  events: 'Events',
  retention: 'Retention',
  limits: 'Limits',
  danger: 'Danger zone',
};
