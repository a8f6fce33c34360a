// The bar that shows a new value, once. The values are React state only. They are written to the clipboard or the headers
// editor, and nowhere else, when the button for it is pressed.
import { useState } from 'react';
import { useCredential } from './credential';
import type { ReplacedValues } from './replaced-values';

interface BarProps {
  replaced: ReplacedValues;
  values: string[];
  onDismiss: (value: string) => void;
}

export function IssuedValueBar({ replaced, values, onDismiss }: BarProps) {
  const useInHeaders = useCredential(replaced);
  return (
    // Always in the page, also when empty: screen readers do not announce a live region that appears together with its text.
    <div role="status" aria-live="polite" className="issued-values">
      {values.map((value) => (
        <IssuedValue key={value} value={value} onUse={() => useInHeaders(value)} onDismiss={() => onDismiss(value)} />
      ))}
    </div>
  );
}

interface IssuedValueProps {
  value: string;
  onUse: () => void;
  onDismiss: () => void;
}

function IssuedValue({ value, onUse, onDismiss }: IssuedValueProps) {
  const [done, setDone] = useState('');
  const copy = () =>
    navigator.clipboard.writeText(value).then(
      () => setDone('Copied.'),
      () => setDone('The browser did not allow it. Select the value and copy it yourself.'),
    );
  const use = () => {
    onUse();
    setDone('Now in the request headers.');
  };
  return (
    <div className="issued-value">
      <p>New value of the API token — shown once.</p>
      <code>{value}</code>
      <div className="issued-value-actions">
        <button type="button" className="primary" onClick={use}>
          Use it in the request headers
        </button>
        <button type="button" onClick={() => void copy()}>
          Copy
        </button>
        <button type="button" onClick={onDismiss}>
          Dismiss
        </button>
        <span className="issued-value-done">{done}</span>
      </div>
    </div>
  );
}
