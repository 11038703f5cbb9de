/** To be built. */
export function DevicesPage() {
  return <p>DevicesPage</p>;
}
