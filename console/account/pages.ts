/** The pages of whoever manages the installation: in the header, and beside the own account. */
export const installationPages = [
  { value: 'people', label: 'People', to: '/account/people' },
  { value: 'keys', label: 'API keys', to: '/account/keys' },
  { value: 'audit', label: 'Audit log', to: '/account/audit' },
] as const;
