using System.Text.Json;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>On disk until its answer is: after a crash in between, it is sent again with its idempotency key for the same lease.</summary>
internal sealed record LeaseRequest(
    string IdempotencyKey, int Quantity, string Tier, int TtlSeconds, string Machine, DateTimeOffset AskedAt)
{
    public ReservationRequest Body => new() { Quantity = Quantity, Tier = Tier, TtlSeconds = TtlSeconds, Machine = Machine };

    public static LeaseRequest? Load(string path)
    {
        try
        {
            var request = JsonSerializer.Deserialize(File.ReadAllBytes(path), LeaseJson.Default.LeaseRequest);
            return request is { IdempotencyKey: not null, Tier: not null, Machine: not null } ? request : null;
        }
        catch (Exception exception) when (exception is FileNotFoundException or JsonException)
        {
            return null;
        }
    }

    public void Save(string path) => PrivateFile.Replace(path, JsonSerializer.SerializeToUtf8Bytes(this, LeaseJson.Default.LeaseRequest));
}
