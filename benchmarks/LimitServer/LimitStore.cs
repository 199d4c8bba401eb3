using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.LimitServer;

/// <summary>The product's PostgreSQL database, with its schema, for a limit server.</summary>
internal static class LimitStore
{
    public static NpgsqlDataSource Open(IConfiguration configuration)
    {
        var url = configuration["DATABASE_URL"] ?? throw new InvalidOperationException("DATABASE_URL is not set.");
        return NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(DatabaseUrl.ToConnectionString(url))
        {
            // The driver's default. The product turns resets off, and what that saves counts for the product.
            NoResetOnClose = false,
        });
    }
}
