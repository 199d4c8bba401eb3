using System.Security.Cryptography;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting.Internal;
using PyResolve.Server.Hosting;
using PyResolve.Server.Leases;

namespace PyResolve.Server.Tests.Leases;

public sealed class LeaseKeyTests(SharedServers servers)
{
    [Fact]
    public async Task The_first_key_signs_and_all_are_published_so_that_old_leases_stay_valid()
    {
        var (old, next) = (LeaseDriver.DrawKey(), LeaseDriver.DrawKey());
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await using var before = await TestServer.StartAsync(store, LeaseDriver.Settings(old));
        var account = await TestAccount.SignUpAsync(before.Http);
        var lease = (await account.LeaseAsync())["lease"].GetString()!;

        await using var after = await TestServer.StartAsync(store, LeaseDriver.Settings($"{next}, {old}"), before.Clock);
        var newer = (await account.On(after.Http).LeaseAsync())["lease"].GetString()!;

        var verified = await after.VerifyAsync(lease);
        (await after.VerifyAsync(newer)).Kid.ShouldNotBe(verified.Kid);
        var published = await after.Anonymous.GetAsync("/.well-known/jwks.json");
        published["keys"].GetArrayLength().ShouldBe(2);
        published["keys"][0].GetProperty("kid").GetString().ShouldBe((await after.VerifyAsync(newer)).Kid);
        published.Headers.CacheControl!.MaxAge.ShouldBe(TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task With_the_embedded_database_a_key_is_created_on_first_use_and_readable_by_its_owner_only()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        var file = Path.Combine(store.Settings["PYRESOLVE_DATA"]!, "lease-key.pem");
        var settings = new Dictionary<string, string?> { ["PYRESOLVE_PUBLIC_URL"] = LeaseDriver.PublicUrl };
        string lease;
        await using (var first = await TestServer.StartAsync(store, settings))
        {
            var account = await TestAccount.SignUpAsync(first.Http);
            File.Exists(file).ShouldBeFalse();
            lease = (await account.LeaseAsync())["lease"].GetString()!;
        }

        await using var second = await TestServer.StartAsync(store, settings);

        (await second.VerifyAsync(lease)).Subject.ShouldNotBeNullOrEmpty();
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Directory.GetFiles(Path.GetDirectoryName(file)!, "lease-key*").ShouldBe([file]);
    }

    [Fact]
    public async Task A_key_that_did_not_reach_the_disk_signs_nothing_and_leaves_nothing()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        var keys = Read(store);

        Should.Throw<IOException>(() => FailingDisk.Run(() => _ = keys.Signing)).Message.ShouldContain("did not reach the disk");

        Directory.GetFiles(store.Settings["PYRESOLVE_DATA"]!, "lease-key*").ShouldBeEmpty();
        keys.Signing.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_key_whose_folder_did_not_reach_the_disk_signs_nothing_now_or_after_a_start()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        var folder = store.Settings["PYRESOLVE_DATA"]!;
        var (keys, quicker) = (Read(store), Read(store));
        var key = quicker.Signing!.Id;

        FolderRefusal(keys).ShouldStartWith($"{folder} did not reach the disk");
        FolderRefusal(Read(store)).ShouldStartWith($"{folder} did not reach the disk");

        (keys.Signing!.Id, Read(store).Signing!.Id).ShouldBe((key, key));
        Directory.GetFiles(folder, "lease-key*").Length.ShouldBe(1);
    }

    [Fact]
    public void Keys_are_read_as_PEM_as_base64_and_with_written_line_breaks()
    {
        using var first = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var second = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var pem = first.ExportPkcs8PrivateKeyPem();
        var base64 = Convert.ToBase64String(second.ExportPkcs8PrivateKey());

        var keys = LeaseKeyText.Read($"{pem}\n{base64}");

        keys.Count.ShouldBe(2);
        LeaseKeyText.Read(pem.Replace("\n", "\\n")).Single().Id.ShouldBe(keys[0].Id);
        LeaseKeyText.Read($"{base64},{pem}").Select(key => key.Id).ShouldBe([keys[1].Id, keys[0].Id]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not a key")]
    [InlineData("other curve")]
    [InlineData("sec1")]
    [InlineData("rsa")]
    [InlineData("public")]
    [InlineData("encrypted")]
    public void Anything_else_is_rejected_as_a_key(string kind)
    {
        using var p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var rsa = RSA.Create(2048);
        var text = kind switch
        {
            "other curve" => p384.ExportPkcs8PrivateKeyPem(),
            "sec1" => p256.ExportECPrivateKeyPem(),
            "rsa" => rsa.ExportPkcs8PrivateKeyPem(),
            "public" => p256.ExportSubjectPublicKeyInfoPem(),
            "encrypted" => p256.ExportEncryptedPkcs8PrivateKeyPem(
                "secret", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1_000)),
            _ => kind,
        };

        Should.Throw<FormatException>(() => LeaseKeyText.Read(text));
    }

    private static LeaseKeys Read(TestStore store)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(store.Settings).Build();
        return LeaseKeys.Read(configuration, ServerOptions.Read(configuration, new HostingEnvironment { EnvironmentName = "Test" }));
    }

    private static string FolderRefusal(LeaseKeys keys) => Should.Throw<IOException>(() => FailingDisk.Run(() => _ = keys.Signing)).Message;
}
