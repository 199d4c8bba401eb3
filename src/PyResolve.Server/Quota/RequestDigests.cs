using PyResolve.Server.Ledger;
using PyResolve.Server.Usage;

namespace PyResolve.Server.Quota;

/// <summary>Tells a retry from another request under the same Idempotency-Key.</summary>
internal static class RequestDigests
{
    public static byte[] Of(HoldRequest wanted) => CanonicalJson.Digest(writer =>
    {
        writer.WriteString("library", wanted.Library);
        writer.WriteString("machine", wanted.Machine);
        writer.WriteString("once_key", wanted.OnceKey);
        writer.WriteNumber("quantity", wanted.Quantity);
        writer.WriteString("tier", wanted.Tier);
        writer.WriteNumber("ttl_seconds", (long)wanted.TimeToLive.TotalSeconds);
    });
}
