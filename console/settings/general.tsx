/** What the connector is called. */
import { Textarea, TextInput } from '@mantine/core';
import { useField } from './editor.ts';
import { Section } from './section.tsx';

export function General() {
  const { set: setName, ...name } = useField('name');
  const { set: setDescription, ...description } = useField('description');
  return (
    <Section id="general">
      <TextInput
        {...name}
        label="Name"
        autoComplete="off"
        maw={480}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Textarea
        {...description}
        label="Description"
        autosize
        minRows={2}
        maxRows={12}
        onChange={(event) => setDescription(event.currentTarget.value)}
      />
    </Section>
  );
}
