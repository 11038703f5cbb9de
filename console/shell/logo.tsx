/** The mark of Slipway: a hull on its slipway. */
export function Logo({ size = 28 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden focusable="false">
      <rect width="32" height="32" rx="7" fill="#0b6e75" />
      <path d="M5 21h22l-3.2 5H9.5z" fill="#fff" />
      <path d="M8 18 22 7v11z" fill="#8fe0d8" />
    </svg>
  );
}
