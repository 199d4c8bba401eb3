using System.Security.Cryptography;
using Npgsql;
using PyResolve.Server.Keys;

namespace PyResolve.Server.Tests.Keys;

/// <summary>Hashes made here verify in PostgreSQL's pgcrypto, and the reverse: both write the same table.</summary>
public sealed class KeyHashPgcryptoTests(SharedServers servers) : IAsyncLifetime
{
    private static readonly string[] Keys =
        [.. Enumerable.Range(0, Scale.Pick(200, 2000)).Select(_ => $"pyr_live_{RandomNumberGenerator.GetHexString(48, lowercase: true)}")];

    private static readonly string[] OddTexts =
    [
        "", "a", "ÿ", "£", "naïve", "táБℓə", "日本語のパスワード", "😀😀😀", " ", "$2a$06$", "'; drop table api_keys; --",
        new('k', 71), new('k', 72), new('k', 73), new('k', 300), new('é', 36), new('€', 25), new string('k', 70) + "😀",
    ];

    private NpgsqlDataSource _database = null!;

    public async ValueTask InitializeAsync()
    {
        _database = NpgsqlDataSource.Create(await servers.Postgres.CreateDatabaseAsync());
        await using var extension = _database.CreateCommand("create extension pgcrypto");
        await extension.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync() => await _database.DisposeAsync();

    [Fact, Trait("Category", "Proof")]
    public async Task Hashes_made_by_pgcrypto_verify_here()
    {
        string[] texts = [.. Keys, .. OddTexts];

        var hashes = await AskAsync<string>(
            "select crypt(text, gen_salt('bf')) from unnest($1) with ordinality t(text, n) order by n", texts);

        texts.Zip(hashes).Where(pair => !KeyHash.Verify(pair.First, pair.Second)).ShouldBeEmpty();
        Keys.Zip(hashes.Skip(1)).Where(pair => KeyHash.Verify(pair.First, pair.Second)).ShouldBeEmpty();
        Proofs.Report("Key hashes", $"{texts.Length} texts hashed by pgcrypto, {Keys.Length} of them random API keys: all verify here.");
    }

    [Fact, Trait("Category", "Proof")]
    public async Task Hashes_made_here_verify_in_pgcrypto()
    {
        string[] texts = [.. Keys, .. OddTexts];
        var hashes = texts.Select(text => KeyHash.Create(text)).ToArray();

        var same = await AskAsync<bool>(
            "select crypt(text, hash) = hash from unnest($1, $2) with ordinality t(text, hash, n) order by n", texts, hashes);
        var next = await AskAsync<bool>(
            "select crypt(text, hash) = hash from unnest($1, $2) with ordinality t(text, hash, n) order by n",
            Keys[1..],
            hashes[..(Keys.Length - 1)]);

        texts.Zip(same).Where(pair => !pair.Second).ShouldBeEmpty();
        next.ShouldAllBe(verified => !verified);
        Proofs.Report("Key hashes", $"{texts.Length} texts hashed here, {Keys.Length} of them random API keys: all verify in pgcrypto.");
    }

    private async Task<T[]> AskAsync<T>(string sql, params string[][] arrays)
    {
        await using var command = _database.CreateCommand(sql);
        command.CommandTimeout = 300; // seconds, because the database computes the hashes
        foreach (var array in arrays)
            command.Parameters.AddWithValue(array);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        List<T> answers = [];
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            answers.Add(reader.GetFieldValue<T>(0));
        answers.Count.ShouldBe(arrays[0].Length);
        return [.. answers];
    }
}
