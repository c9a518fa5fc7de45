// How far a dial is: what is reached, what is waited for, and where it ended.

import type { DialStep, ReachedStep } from '../api-types.ts';
import { Icon } from './icons.tsx';

type Props = {
  readonly plan: readonly DialStep[];
  readonly reached: readonly ReachedStep[];
  /** `going`: the first step that is not reached is waited for. */
  readonly state: 'going' | 'failed' | 'done';
};

export function DialSteps({ plan, reached, state }: Props) {
  return (
    <ol class="steps" aria-label="Steps">
      {plan.map((step, index) => {
        const known = reached.find(({ id }) => id === step.id);
        const isNext = index === reached.length;
        const look = known ? 'reached' : isNext && state !== 'done' ? state : 'ahead';
        return (
          <li key={step.id} class={look} {...(look === 'going' ? { 'aria-current': 'step' as const } : {})}>
            <span class="mark" aria-hidden="true">
              {look === 'reached' && <Icon name="check" />}
              {look === 'failed' && <Icon name="warn" />}
              {look === 'going' && <span class="spinner" />}
            </span>
            <span>
              {step.title}
              {known?.detail && <span class="soft">: {known.detail}</span>}
              {look === 'failed' && <span class="off-screen"> (failed)</span>}
            </span>
            {known && <span class="soft small">{seconds(known.afterMs)}</span>}
          </li>
        );
      })}
    </ol>
  );
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
