using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using PyResolve.Client.Wire;
using PyResolve.Server.Hosting;
using PyResolve.Server.Ledger;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Leases;

/// <summary>Writes a hold as a lease: a compact JWS that says offline what was granted, to which machine, until when.</summary>
internal sealed class LeaseSigner(LeaseKeys keys, PublicUrl publicUrl)
{
    private const string Type = "pyr-lease+jwt";

    public bool CanSign => keys.Signing is not null;

    /// <param name="userId">The account.</param>
    /// <param name="hold">The same hold gives the same claims each time; only the signature differs.</param>
    /// <param name="machine">Who asks. A lease is for one machine: two would spend the same units twice.</param>
    /// <returns><see langword="null"/> where there is none, or none any more.</returns>
    public string? Sign(Guid userId, Hold hold, string? machine)
    {
        if (!hold.IsLeased || hold.State != ReservationStates.Held || hold.Machine != machine || keys.Signing is not { } key)
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
            writer.WriteString("sub", userId);
            writer.WriteString("jti", hold.Id);
            writer.WriteNumber("qty", hold.Quantity);
            writer.WriteString("tier", hold.Tier);
            writer.WriteString("mch", hold.Machine);
            writer.WriteNumber("iat", hold.CreatedAt.ToUnixTimeSeconds());
            // Whole seconds, rounded down: never longer than the units are held.
            writer.WriteNumber("exp", hold.ExpiresAt.ToUnixTimeSeconds());
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
