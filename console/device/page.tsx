/** To be built. */
export function DevicePage() {
  return <p>DevicePage</p>;
}
