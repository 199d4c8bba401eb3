using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using PyResolve.Client.Wire;
using PyResolve.Server.Hosting;
using PyResolve.Server.Ledger;

namespace PyResolve.Server.Leases;

/// <summary>A compact JWS that proves offline what was granted, to which machine, and until when.</summary>
internal sealed class LeaseSigner(LeaseKeys keys, PublicUrl publicUrl)
{
    private const string Type = "pyr-lease+jwt";

    public bool CanSign => keys.Signing is not null;

    /// <summary>The same reservation always gives the same claims; only the signature differs.</summary>
    /// <param name="machine">The machine that asks. A lease is for one machine: two would spend the same units twice.</param>
    public string? Sign(StoredReservation reservation, string? machine)
    {
        if (reservation is not { IsLeased: true, State: ReservationStates.Held } || reservation.Machine != machine)
            return null;
        if (keys.Signing is not { } key)
            return null;
        var header = Encode(writer =>
        {
            writer.WriteString("alg", "ES256");
            writer.WriteString("kid", key.Id);
            writer.WriteString("typ", Type);
        });
        var claims = Encode(writer =>
        {
            writer.WriteString("iss", publicUrl.Value);
            writer.WriteString("sub", reservation.UserId);
            writer.WriteString("jti", reservation.Id);
            writer.WriteNumber("qty", reservation.Quantity);
            writer.WriteString("tier", reservation.Tier);
            writer.WriteString("mch", reservation.Machine);
            writer.WriteNumber("iat", reservation.CreatedAt.ToUnixTimeSeconds());
            // Rounded down to seconds, so that the lease never outlives the held units.
            writer.WriteNumber("exp", reservation.ExpiresAt.ToUnixTimeSeconds());
        });
        var signed = $"{header}.{claims}";
        return $"{signed}.{Base64Url.EncodeToString(key.Sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    private static string Encode(Action<Utf8JsonWriter> writeMembers)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writeMembers(writer);
            writer.WriteEndObject();
        }

        return Base64Url.EncodeToString(buffer.WrittenSpan);
    }
}
