using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.LimitServer;

/// <summary>The PostgreSQL that a limit server works on: the product's, with its schema.</summary>
internal static class LimitStore
{
    public static NpgsqlDataSource Open(IConfiguration configuration)
    {
        var url = configuration["DATABASE_URL"] ?? throw new InvalidOperationException("DATABASE_URL is not set.");
        return NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(DatabaseUrl.ToConnectionString(url))
        {
            // As the driver does unless it is told otherwise. What the product gains by doing without is the product's.
            NoResetOnClose = false,
        });
    }
}
