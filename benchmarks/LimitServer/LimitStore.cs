using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.LimitServer;

/// <summary>The PostgreSQL that a limit server works on: the product's, with its schema.</summary>
internal static class LimitStore
{
    public static NpgsqlDataSource Open(IConfiguration configuration) => NpgsqlDataSource.Create(DatabaseUrl.ToConnectionString(
        configuration["DATABASE_URL"] ?? throw new InvalidOperationException("DATABASE_URL is not set.")));
}
