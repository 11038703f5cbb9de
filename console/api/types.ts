/** Names for the shapes that pages handle, as the OpenAPI document has them. */
import type { components, paths } from './schema.ts';

type Schemas = components['schemas'];
export type Connector = Schemas['Connector'];
export type Settings = Schemas['Settings'];
export type Identity = Schemas['Identity'];
export type LogEvent = Schemas['Event'];
export type Batch = Schemas['Batch'];
export type Content = Schemas['Content'];
export type Status = Identity['status'];
export type Resource = Settings['resources'][string];
export type Me = paths['/api:1/users/me']['get']['responses'][200]['content']['application/json'];
export type Role = Me['role'];
export type SettingsPatch =
  paths['/api:1/service/{connector}/device2']['patch']['requestBody']['content']['application/json'];
export type Device2Path = '/api:1/service/{connector}/device2';
export type User = Schemas['User'];
type Answer<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;
export type ApiKey = Answer<'/api:1/keys'>['keys'][number];
export type Session = Answer<'/api:1/users/me/sessions'>['sessions'][number];
export type AuditEntry = Answer<'/api:1/audit'>['entries'][number];
export type Job = Schemas['Job'];
export type JobRequest =
  paths['/api:1/service/{connector}/device2/identities/update']['post']['requestBody']['content']['application/json'];
export type Webhook = Schemas['Webhook'];
