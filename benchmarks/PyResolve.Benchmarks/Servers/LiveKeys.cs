using System.Security.Cryptography;
using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace PyResolve.Benchmarks.Servers;

/// <summary>Accounts with one key each, written into the database in bulk, without the server.</summary>
internal static class LiveKeys
{
    public const int PrefixLength = 20;

    /// <summary>A published bcrypt vector. A key with a digest is never compared with its hash, and no wrong secret matches it.</summary>
    private const string SomeHash = "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkY8jIucDrjc8deX1s.";

    public static string Draw() => "pyr_live_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));

    /// <summary>Different wrong secrets with the prefix of <paramref name="key"/>.</summary>
    public static IEnumerable<string> WrongSecretsOn(string key, int count) =>
        Enumerable.Range(0, count).Select(_ => string.Concat(key.AsSpan(0, PrefixLength), Draw().AsSpan(PrefixLength)));

    /// <param name="store">With the schema.</param>
    /// <param name="count">The number of keys.</param>
    /// <param name="hasDigest">False: like keys that SQL created, before their first use.</param>
    /// <param name="cancellationToken">Cancels the writing.</param>
    public static async Task<IReadOnlyList<string>> AddAsync(
        BenchStore store, int count, bool hasDigest, CancellationToken cancellationToken)
    {
        var now = TimeProvider.System.GetUtcNow();
        (Guid UserId, Guid Id, string Key)[] all =
            [.. Enumerable.Range(0, count).Select(_ => (Guid.CreateVersion7(now), Guid.CreateVersion7(now), Draw()))];
        await using var connection = new NpgsqlConnection(store.ConnectionString);
        await connection.OpenAsync(cancellationToken);

        await using (var profiles = await connection.BeginBinaryImportAsync(
            "copy profiles (id, email, email_key) from stdin (format binary)", cancellationToken))
        {
            foreach (var (userId, _, _) in all)
                await profiles.WriteRowAsync(cancellationToken, userId, $"{userId:n}@example.com", $"{userId:n}@example.com");
            await profiles.CompleteAsync(cancellationToken);
        }

        await using (var keys = await connection.BeginBinaryImportAsync(
            "copy api_keys (id, user_id, key_hash, key_digest, key_prefix, last_used_at) from stdin (format binary)", cancellationToken))
        {
            foreach (var (userId, id, key) in all)
            {
                await keys.StartRowAsync(cancellationToken);
                await keys.WriteAsync(id, cancellationToken);
                await keys.WriteAsync(userId, cancellationToken);
                await keys.WriteAsync(SomeHash, cancellationToken);
                if (hasDigest)
                    await keys.WriteAsync(SHA256.HashData(Encoding.ASCII.GetBytes(key)), cancellationToken);
                else
                    await keys.WriteNullAsync(cancellationToken);
                await keys.WriteAsync(key[..PrefixLength], cancellationToken);
                await keys.WriteAsync(
                    now.UtcDateTime.AddSeconds(-Random.Shared.Next(30 * 86_400)), NpgsqlDbType.TimestampTz, cancellationToken);
            }

            await keys.CompleteAsync(cancellationToken);
        }

        await using var analyze = new NpgsqlCommand("analyze profiles, api_keys", connection);
        await analyze.ExecuteNonQueryAsync(cancellationToken);
        return [.. all.Select(one => one.Key)];
    }
}
