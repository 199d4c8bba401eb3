using System.Security.Cryptography;
using System.Text.Json;
using PyResolve.Server.Hosting;
using PyResolve.Server.Tests.Accounts;

namespace PyResolve.Server.Tests.Backups;

/// <summary>The keys of a server that <c>backup --with-keys</c> keeps: a restore without a place for them restores nothing.</summary>
public sealed class BackupKeysTests(SharedServers servers)
{
    private const string EncryptionKey = "PYRESOLVE_ENCRYPTION_KEY";
    private const string LeaseKey = "PYRESOLVE_LEASE_KEY";
    private const string Jwks = "/.well-known/jwks.json";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task After_a_move_from_SQLite_to_PostgreSQL_second_factors_and_leases_are_as_before()
    {
        using var folder = new BackupFolder();
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var secured = await SecuredAccount.CreateAsync(own);
        var leaseKeys = (await own.Server.Anonymous.GetAsync(Jwks)).Text;
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        (await BackupFolder.RunAsync(own.Store, "backup", folder.File, "--with-keys")).OrThrow("backup");

        var restored = (await BackupFolder.RunAsync(store, "restore", folder.File, "--keys-to", folder.Keys)).OrThrow("restore");

        restored.Error.ShouldContain("add the lines of keys.env before you start it");
        var settings = EnvironmentFile.Read(Path.Combine(folder.Keys, "keys.env")).ToDictionary(
            static line => line.Key, string? (line) => line.Value);
        settings.Keys.ShouldBe([LeaseKey, EncryptionKey], ignoreOrder: true);
        await using var server = await TestServer.StartAsync(store, settings, own.Clock);
        var login = await secured.LogInAsync(server, secured.App.Code());
        login.Status.ShouldBe(200, login.Text);
        (await server.Anonymous.GetAsync(Jwks)).Text.ShouldBe(leaseKeys);
        if (!OperatingSystem.IsWindows())
        {
            Directory.GetFiles(folder.Keys).Select(File.GetUnixFileMode).Distinct()
                .ShouldBe([UnixFileMode.UserRead | UnixFileMode.UserWrite]);
        }
    }

    [Fact]
    public async Task Without_any_key_of_a_server_with_PostgreSQL_nothing_is_written()
    {
        using var folder = new BackupFolder();
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        (await BackupFolder.RunAsync(store, "migrate-schema")).OrThrow("migrate-schema");

        var refused = await BackupFolder.RunAsync(store, "backup", folder.File, "--with-keys");
        var backup = await BackupFolder.RunAsync(store, "backup", folder.File);

        (refused.ExitCode, refused.Output).ShouldBe((2, ""));
        refused.Error.ShouldContain($"{LeaseKey} and {EncryptionKey} are not set here.");
        refused.Error.ShouldContain("leave out --with-keys if it has none");
        backup.OrThrow("backup without keys").Output.ShouldContain("It has no keys.");
    }

    [Theory, OnBothEngines]
    public async Task A_key_that_is_not_in_the_backup_is_named(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        (await BackupFolder.RunAsync(store, "migrate-schema")).OrThrow("migrate-schema");
        var settings = new Dictionary<string, string?>(store.Settings) { [EncryptionKey] = Convert.ToBase64String(new byte[32]) };

        var backup = await ServerProcess.RunAsync(["backup", folder.File, "--with-keys"], settings, Cancellation);
        var json = await ServerProcess.RunAsync(["backup", folder.Other, "--with-keys", "--json"], settings, Cancellation);

        backup.OrThrow("backup").Output.ShouldContain("It has the keys encryption-key.");
        backup.Error.ShouldContain($"The backup does not have the key lease-key.pem: {LeaseKey} is not set here");
        backup.Error.ShouldNotContain(EncryptionKey);
        json.OrThrow("backup as JSON").Output.ShouldContain("\"keys\":[\"encryption-key\"]");
    }

    /// <summary>It makes them at their first use, and a backup of every night begins before.</summary>
    [Fact]
    public async Task An_embedded_server_that_has_no_key_yet_is_backed_up_without_and_it_is_said()
    {
        using var folder = new BackupFolder();
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        (await BackupFolder.RunAsync(store, "migrate-schema")).OrThrow("migrate-schema");

        var backup = (await BackupFolder.RunAsync(store, "backup", folder.File, "--with-keys")).OrThrow("backup");

        backup.Output.ShouldContain("It has no keys.");
        backup.Error.ShouldContain("does not have the key lease-key.pem");
        backup.Error.ShouldContain("does not have the key encryption-key");
    }

    [Fact]
    public async Task A_restore_beside_an_embedded_database_names_the_files_of_the_keys()
    {
        using var folder = new BackupFolder();
        await using var own = await BackUpAsync(folder);
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        var data = store.Settings["PYRESOLVE_DATA"]!;

        var restored = await BackupFolder.RunAsync(store, "restore", folder.File, "--json");

        restored.OrThrow("restore").Error.Trim().ShouldBe(
            $"The keys are in {Path.Combine(data, "lease-key.pem")}, {Path.Combine(data, "encryption-key")}.");
        using var answer = JsonDocument.Parse(restored.Output);
        Texts(answer, "keys").ShouldBe(["lease-key.pem", "encryption-key"]);
        Texts(answer, "key_files").ShouldBe([Path.Combine(data, "lease-key.pem"), Path.Combine(data, "encryption-key")]);
    }

    /// <summary>The server would make other ones without a word, and no second factor would work.</summary>
    [Theory, OnBothEngines]
    public async Task A_restore_names_each_key_that_the_server_will_not_have(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: KeysOf(engine));
        await SecuredAccount.CreateAsync(own);
        (await BackupFolder.RunAsync(own.Store, "backup", folder.File)).OrThrow("backup without keys");
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);

        var restored = await BackupFolder.RunAsync(store, "restore", folder.File, "--json");

        var notes = restored.OrThrow("restore").Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        notes.Length.ShouldBe(2, restored.Error);
        notes[0].ShouldStartWith("The backup does not have the key lease-key.pem, ");
        notes[0].ShouldContain("leases that are out cannot be settled without it");
        notes[1].ShouldStartWith("The backup does not have the key encryption-key, ");
        notes[1].ShouldContain($"{EncryptionKey} is not set here");
        notes[1].ShouldContain("second factors do not work without it");
        notes[1].ShouldContain(
            engine is StorageEngine.Sqlite
                ? $"there is no {Path.Combine(store.Settings["PYRESOLVE_DATA"]!, "encryption-key")}"
                : $"set {EncryptionKey} before the first start.");
        using var answer = JsonDocument.Parse(restored.Output);
        Texts(answer, "keys").ShouldBeEmpty();
        Texts(answer, "key_files").ShouldBeEmpty();
    }

    [Theory, OnBothEngines]
    public async Task Keys_that_the_server_has_already_are_no_matter_for_a_restore_without_them(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        (await BackupFolder.RunAsync(own.Store, "backup", folder.File)).OrThrow("backup without keys");
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        var settings = new Dictionary<string, string?>(store.Settings);
        foreach (var (name, value) in KeysOf(StorageEngine.Postgres))
            settings[name] = value;

        var restored = await ServerProcess.RunAsync(["restore", folder.File], settings, Cancellation);

        restored.OrThrow("restore").Error.ShouldBeEmpty();
    }

    [Fact]
    public async Task Without_a_place_for_the_keys_nothing_is_restored_into_PostgreSQL()
    {
        using var folder = new BackupFolder();
        await using var own = await BackUpAsync(folder);
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);

        var refused = await BackupFolder.RunAsync(store, "restore", folder.File);

        refused.ExitCode.ShouldBe(1, refused.Output);
        refused.Error.ShouldContain($"reads from the setting {LeaseKey}, and that is not set. Nothing was restored.");
        refused.Error.ShouldContain("Add --keys-to <folder>");
        (await store.ReadNumberAsync("select count(*) from pg_class where relname = 'profiles'")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task Settings_that_have_the_same_keys_need_no_folder_and_other_ones_are_refused(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var own = await BackUpAsync(folder);
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        var data = own.Store.Settings["PYRESOLVE_DATA"]!;
        var leaseKey = await File.ReadAllTextAsync(Path.Combine(data, "lease-key.pem"), Cancellation);
        var encryptionKey = await File.ReadAllTextAsync(Path.Combine(data, "encryption-key"), Cancellation);
        var others = new Dictionary<string, string?>(store.Settings)
        {
            [LeaseKey] = leaseKey, [EncryptionKey] = Convert.ToBase64String(new byte[32]),
        };
        var same = new Dictionary<string, string?>(others) { [EncryptionKey] = $"{others[EncryptionKey]},{encryptionKey.Trim()}" };

        var refused = await ServerProcess.RunAsync(["restore", folder.File], others, Cancellation);
        var restored = await ServerProcess.RunAsync(["restore", folder.File], same, Cancellation);

        refused.ExitCode.ShouldBe(1, refused.Output);
        refused.Error.ShouldContain($"{EncryptionKey} has another key than the backup. Nothing was restored.");
        restored.OrThrow("restore");
        (await store.ReadNumberAsync("select count(*) from second_factors")).ShouldBe(1);
        if (engine is StorageEngine.Sqlite)
            Directory.GetFiles(store.Settings["PYRESOLVE_DATA"]!, "*key*").ShouldBeEmpty();
    }

    [Theory, OnBothEngines]
    public async Task A_folder_for_the_keys_that_cannot_be_written_leaves_the_store_empty(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var own = await BackUpAsync(folder);
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);

        var refused = await BackupFolder.RunAsync(store, "restore", folder.File, "--keys-to", Path.Combine(folder.File, "below-a-file"));
        var restored = await BackupFolder.RunAsync(store, "restore", folder.File, "--keys-to", folder.Keys);

        refused.ExitCode.ShouldBe(1, refused.Output);
        refused.Error.ShouldContain("The keys of the backup cannot be written to");
        restored.OrThrow("restore after all");
    }

    [Fact]
    public async Task A_key_that_is_there_already_is_not_replaced_and_nothing_is_restored()
    {
        using var folder = new BackupFolder();
        await using var own = await BackUpAsync(folder);
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        var file = Path.Combine(store.Settings["PYRESOLVE_DATA"]!, "encryption-key");
        var other = Convert.ToBase64String(new byte[32]);
        await File.WriteAllTextAsync(file, other, Cancellation);

        var refused = await BackupFolder.RunAsync(store, "restore", folder.File);
        var left = await File.ReadAllTextAsync(file, Cancellation);
        File.Delete(file);
        var restored = await BackupFolder.RunAsync(store, "restore", folder.File);

        refused.ExitCode.ShouldBe(1, refused.Output);
        refused.Error.ShouldContain($"{file} has another key than the backup. Nothing was restored. Move the file away");
        left.ShouldBe(other);
        restored.OrThrow("restore after all");
        (await File.ReadAllTextAsync(file, Cancellation)).ShouldBe(
            await File.ReadAllTextAsync(Path.Combine(own.Store.Settings["PYRESOLVE_DATA"]!, "encryption-key"), Cancellation));
    }

    /// <summary>The settings for the keys, where a server does not make them itself.</summary>
    private static Dictionary<string, string?> KeysOf(StorageEngine engine)
    {
        if (engine is StorageEngine.Sqlite)
            return [];
        using var lease = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new Dictionary<string, string?>
        {
            [LeaseKey] = Convert.ToBase64String(lease.ExportPkcs8PrivateKey()), [EncryptionKey] = Convert.ToBase64String(new byte[32]),
        };
    }

    private static List<string> Texts(JsonDocument answer, string name) =>
        [.. answer.RootElement.GetProperty(name).EnumerateArray().Select(static text => text.GetString()!)];

    /// <summary>Of an embedded database, whose server has made both keys.</summary>
    private async Task<OwnServer> BackUpAsync(BackupFolder folder)
    {
        var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        await SecuredAccount.CreateAsync(own);
        (await own.Server.Anonymous.GetAsync(Jwks)).Status.ShouldBe(200);
        (await BackupFolder.RunAsync(own.Store, "backup", folder.File, "--with-keys")).OrThrow("backup");
        return own;
    }
}
