/** The devices of a connector: found, looked over, added, and changed by the many. */
import { useParams } from '@tanstack/react-router';
import { DevicesOf } from './devices-of.tsx';

export function DevicesPage() {
  const { connector } = useParams({ from: '/connectors/$connector/devices' });
  // Another connector is another page: nothing selected or listed here may stay.
  return <DevicesOf key={connector} />;
}
