// A number that limits something; empty: no limit.

import { TextField } from './field.tsx';

type Props = {
  label: string;
  /** What an empty field means. */
  placeholder: string;
  value: string;
  onValue: (value: string) => void;
};

export function LimitField(props: Props) {
  return <TextField type="number" min={0} step="any" {...props} />;
}
