using PyResolve.Client.Wire;
using PyResolve.Server.Hosting;
using PyResolve.Server.Ledger;

namespace PyResolve.Server.Leases;

/// <summary>Signs reservations as leases.</summary>
internal sealed class LeaseSigner(LeaseKeys keys, PublicUrl publicUrl)
{
    public bool CanSign => keys.Signing is not null;

    /// <summary>Signs a reservation. The same one always gives the same claims; only the signature differs.</summary>
    /// <param name="machine">The machine that asks. A lease is for one machine: two would spend the same units twice.</param>
    public string? Sign(StoredReservation reservation, string? machine)
    {
        if (reservation is not { IsLeased: true, State: ReservationStates.Held } || reservation.Machine != machine)
            return null;
        if (keys.Signing is not { } key)
            return null;
        var lease = new LeaseToken(
            key.Id, publicUrl.Value, reservation.UserId, reservation.Id, reservation.Quantity, reservation.Tier, machine,
            reservation.CreatedAt, reservation.ExpiresAt);
        return lease.Sign(signed => key.Sign(signed));
    }
}
