using Npgsql;
using PyResolve.Client.Wire;

namespace PyResolve.LimitServer;

/// <summary>
/// The simplest way to reserve quota: one conditional UPDATE and commit per request, without a record of the reservation.
/// </summary>
internal static class QuotaLimits
{
    private const string Month = "2026-11";
    private const long Limit = 1_000_000_000_000;

    public static WebApplication BuildReservation(WebApplicationBuilder builder)
    {
        var source = LimitStore.Open(builder.Configuration);
        var account = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        using var row = source.CreateCommand("insert into usage_monthly (user_id, month) values ($1, $2)");
        row.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = account });
        row.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Month });
        row.ExecuteNonQuery();
        var app = builder.Build();
        app.MapPost("/limit", async (ReservationRequest wanted, CancellationToken cancellationToken) =>
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var command = new NpgsqlCommand(
                "update usage_monthly set held = held + $3 where user_id = $1 and month = $2 and migrations + held + $3 <= $4", connection)
            {
                Parameters =
                {
                    new NpgsqlParameter<Guid> { TypedValue = account },
                    new NpgsqlParameter<string> { TypedValue = Month },
                    new NpgsqlParameter<long> { TypedValue = wanted.Quantity!.Value },
                    new NpgsqlParameter<long> { TypedValue = Limit },
                },
            };
            // Once per connection; later calls do nothing.
            await command.PrepareAsync(cancellationToken);
            return await command.ExecuteNonQueryAsync(cancellationToken) == 1
                ? TypedResults.Created("/limit", new HealthStatus("held"))
                : throw new InvalidOperationException("The limit is never reached.");
        });
        return app;
    }
}
