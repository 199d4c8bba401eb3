using Npgsql;
using PyResolve.Server.Access;

namespace PyResolve.Server.Tests.Accounts;

/// <summary>PostgreSQL normalizes too, by tables of its own.</summary>
public sealed class UnicodeTextTests(SharedServers servers)
{
    private const int Alphabet = 0x2FA20;

    [Fact]
    public async Task Every_character_is_normalized_as_PostgreSQL_does()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        var characters = Enumerable.Range(1, Alphabet)
            .Where(point => point is < 0xD800 or > 0xDFFF)
            .Select(char.ConvertFromUtf32)
            .ToArray();

        await CompareAsync(store, characters);
    }

    [Fact]
    public async Task Random_texts_with_many_combining_characters_are_normalized_as_PostgreSQL_does()
    {
        var random = new Random(20261128);
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        (int First, int Last)[] ranges =
        [
            (0x41, 0x5A), (0xC0, 0x17F), (0x300, 0x36F), (0x1100, 0x11FF), (0xAC00, 0xD7A3), (0x900, 0x9FF), (0x1E00, 0x1EFF),
            (0xFB00, 0xFB4F),
        ];
        var texts = Enumerable.Range(0, 20_000).Select(_ => string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ =>
        {
            var (first, last) = ranges[random.Next(ranges.Length)];
            return char.ConvertFromUtf32(random.Next(first, last + 1));
        }))).ToArray();

        await CompareAsync(store, texts);
    }

    /// <summary>The server runs without ICU, where the framework's own method does nothing.</summary>
    [Fact]
    public void The_frameworks_own_normalization_does_nothing_here() =>
        "e\u0301".Normalize().Length.ShouldBe(2);

    private static async Task CompareAsync(TestStore store, string[] texts)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(store.ConnectionString).ToString());
        await using var command = source.CreateCommand(
            "select t, normalize(t, NFC), normalize(t, NFKC) from unnest($1) as t where t is not null");
        command.Parameters.Add(new NpgsqlParameter { Value = texts });
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var differences = new List<string>();
        var read = 0;
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            read++;
            var (text, composed, compatible) = (reader.GetString(0), reader.GetString(1), reader.GetString(2));
            if (UnicodeText.Compose(text) != composed || UnicodeText.ComposeCompatible(text) != compatible)
                differences.Add(string.Join(' ', text.EnumerateRunes().Select(rune => $"{rune.Value:X4}")));
        }

        read.ShouldBe(texts.Length);
        differences.ShouldBeEmpty();
    }
}
