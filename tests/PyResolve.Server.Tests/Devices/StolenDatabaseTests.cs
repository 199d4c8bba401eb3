using System.Security.Cryptography;
using System.Text;

namespace PyResolve.Server.Tests.Devices;

public sealed class StolenDatabaseTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Whoever_steals_the_database_gets_no_code_and_no_key(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var (pending, approved, redeemed) = (
            await Device.BeginAsync(own.Server.Http), await Device.BeginAsync(own.Server.Http), await Device.BeginAsync(own.Server.Http));
        var person = await Person.SignedInAsync(own.Server, account);
        await person.OpenAsync("BBBB-BBBB");
        await person.ApproveAsync(approved.UserCode);
        await person.ApproveAsync(redeemed.UserCode);
        var key = (await redeemed.PollAsync())["api_key"].GetString()!;

        var dump = await DumpAsync(own.Store);

        dump.ShouldContain(Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(pending.DeviceCode))), Case.Insensitive);
        string[] secrets =
        [
            key, key[20..], person.Cookie!.Split('=')[1],
            .. new[] { pending, approved, redeemed }.SelectMany(device => Forms(device.DeviceCode, device.UserCode)),
        ];
        foreach (var secret in secrets)
        {
            dump.ShouldNotContain(secret, Case.Insensitive);
            dump.ShouldNotContain(Convert.ToHexString(Encoding.UTF8.GetBytes(secret)), Case.Insensitive);
            dump.ShouldNotContain(Convert.ToBase64String(Encoding.UTF8.GetBytes(secret)), Case.Insensitive);
        }
    }

    /// <summary>A plain hash of so short a code counts as the code itself.</summary>
    private static IEnumerable<string> Forms(string deviceCode, string userCode)
    {
        var letters = userCode.Replace("-", "");
        return
        [
            deviceCode, deviceCode["pyr_dev_".Length..], userCode, letters,
            .. new[] { userCode, letters }.Select(form => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(form)))),
        ];
    }

    /// <summary>Every value of every table, bytes in hexadecimal.</summary>
    private static async Task<string> DumpAsync(TestStore store)
    {
        var isPostgres = store.Engine is StorageEngine.Postgres;
        var tables = (string)(await store.ReadSqlAsync(isPostgres
            ? "select string_agg(tablename, ',') from pg_tables where schemaname = 'public'"
            : "select group_concat(name) from sqlite_master where type = 'table' and name not like 'sqlite_%'"))!;
        var dump = new StringBuilder();
        foreach (var table in tables.Split(','))
        {
            var row = isPostgres
                ? "t::text"
                : (string)(await store.ReadSqlAsync($"select group_concat('quote(\"' || name || '\")', '||'' ''||') from pragma_table_info('{table}')"))!;
            dump.AppendLine(await store.ReadSqlAsync($"select {(isPostgres ? "string_agg" : "group_concat")}({row}, ' ') from {table} t") as string);
        }

        return dump.ToString();
    }
}
