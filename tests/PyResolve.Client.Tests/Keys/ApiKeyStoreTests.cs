using System.Runtime.Versioning;

namespace PyResolve.Client.Tests.Keys;

public sealed class ApiKeyStoreTests : IDisposable
{
    private readonly TemporaryHome _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public void Without_environment_and_file_there_is_no_key()
    {
        _home.Store.FindApiKey().ShouldBeNull();
        _home.Store.FindApiUrl().ShouldBeNull();
        _home.Store.Warning.ShouldBeNull();
        _home.Store.RemoveApiKey().ShouldBeFalse();
        Directory.Exists(_home.Path).ShouldBeFalse();
    }

    [Fact]
    public void A_saved_key_and_server_are_found_with_their_source()
    {
        _home.Store.Save(ScriptedServer.Key, new Uri("http://localhost:8000"));

        var found = _home.Store.FindApiKey().ShouldNotBeNull();
        found.Key.ShouldBe(ScriptedServer.Key);
        found.Source.ShouldBe(SettingSource.ConfigFile);
        found.ConfigPath.ShouldBe(_home.ConfigPath);
        var server = _home.Store.FindApiUrl().ShouldNotBeNull();
        server.Url.ShouldBe(new Uri("http://localhost:8000"));
        server.Source.ShouldBe(SettingSource.ConfigFile);
    }

    [Fact]
    public void A_key_is_masked_wherever_it_is_printed()
    {
        _home.Store.Save(ScriptedServer.Key);

        var found = _home.Store.FindApiKey().ShouldNotBeNull();

        found.MaskedKey.ShouldBe("pyr_live_0123456789a…");
        found.ToString().ShouldNotContain(ScriptedServer.Key);
        new ApiKeyCredential("short-secret", SettingSource.Environment, "").ToString().ShouldBe("… (PYRESOLVE_API_KEY)");
    }

    [Fact]
    public void A_tool_reads_its_own_settings_from_the_file()
    {
        _home.Config = "theme = \"dark\"\nsize = 3\n\n[mytool]\ncolour = \"red\"\n\n[mytool.more]\nsize = \"4\"\n";

        _home.Store.ReadSetting("theme").ShouldBe("dark");
        _home.Store.ReadSetting("mytool", "colour").ShouldBe("red");
        _home.Store.ReadSetting("mytool", "absent").ShouldBeNull();
        _home.Store.ReadSettings("mytool").ShouldBe(new Dictionary<string, string> { ["colour"] = "red" });
        _home.Store.ReadSettings("absent").ShouldBeEmpty();
        Should.Throw<ConfigFileException>(() => _home.Store.ReadSetting("size")).Hint.ShouldBe("Write it in quotes: size = \"…\".");
    }

    [Fact]
    public void Saving_and_removing_keep_the_rest_of_the_file()
    {
        _home.Config = "# mine\ntheme = \"dark\"\n\n[migrators]\npydantic = 'm {path}' # fast\n";
        var before = _home.Config;

        _home.Store.Save(ScriptedServer.Key);
        _home.Config.ShouldBe(before.Replace("\n\n[mig", $"\napi_key = \"{ScriptedServer.Key}\"\n\n[mig"));
        _home.Store.RemoveApiKey().ShouldBeTrue();

        _home.Config.ShouldBe(before);
    }

    [Fact]
    public void An_invalid_key_is_not_saved() =>
        Should.Throw<ArgumentException>(() => _home.Store.Save("pyr_live_ with space")).Message.ShouldNotContain("with space");

    [Fact]
    public void A_malformed_file_is_named_and_never_overwritten()
    {
        _home.Config = "theme = dark\n";

        Should.Throw<ConfigFileException>(() => _home.Store.FindApiKey()).Line.ShouldBe(1);
        Should.Throw<ConfigFileException>(() => _home.Store.Save(ScriptedServer.Key)).Path.ShouldBe(_home.ConfigPath);

        _home.Config.ShouldBe("theme = dark\n");
        Directory.GetFiles(_home.Path, "*.tmp").ShouldBeEmpty();
    }

    [Fact]
    public void A_file_that_is_not_UTF8_is_refused()
    {
        Directory.CreateDirectory(_home.Path);
        File.WriteAllBytes(_home.ConfigPath, [0x61, 0x3D, 0x22, 0xE9, 0x22]);

        Should.Throw<ConfigFileException>(() => _home.Store.FindApiKey()).Message.ShouldContain("UTF-8");
    }

    [Fact]
    public void A_folder_in_place_of_the_file_is_named()
    {
        Directory.CreateDirectory(_home.ConfigPath);

        Should.Throw<ConfigFileException>(() => _home.Store.FindApiKey()).Message.ShouldContain(_home.ConfigPath);
        Should.Throw<ConfigFileException>(() => _home.Store.Save(ScriptedServer.Key)).Message.ShouldContain(_home.ConfigPath);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    [Trait("Platform", "Unix")]
    public void Only_the_owner_can_read_the_folder_and_the_file()
    {
        _home.Store.Save(ScriptedServer.Key);

        File.GetUnixFileMode(_home.Path).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.GetUnixFileMode(_home.ConfigPath).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _home.Store.Warning.ShouldBeNull();
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    [Trait("Platform", "Unix")]
    public void A_file_that_other_users_can_read_gives_a_warning_and_is_fixed_by_the_next_save()
    {
        _home.Config = "theme = 'dark'\n";
        File.SetUnixFileMode(_home.ConfigPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        _home.Store.Warning.ShouldNotBeNull().ShouldContain($"chmod 600 \"{_home.ConfigPath}\"");

        _home.Store.Save(ScriptedServer.Key);

        _home.Store.Warning.ShouldBeNull();
    }

    [Fact]
    public void A_lock_file_that_cannot_be_made_fails_at_once_instead_of_after_ten_seconds()
    {
        var started = System.Diagnostics.Stopwatch.StartNew();

        Should.Throw<IOException>(() => PrivateFile.Lock(Path.Combine(Path.GetTempPath(), new string('n', 300))));

        started.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void A_lock_that_another_process_has_is_recognized_as_in_use()
    {
        Directory.CreateDirectory(_home.Path);
        var path = Path.Combine(_home.Path, "some.lock");
        using var _ = PrivateFile.OpenOwnerOnly(path);

        PrivateFile.IsInUse(Should.Throw<IOException>(() => PrivateFile.OpenOwnerOnly(path))).ShouldBeTrue();
    }

    [Fact]
    public async Task Concurrent_writers_lose_no_change()
    {
        var writers = Enumerable.Range(0, 8).Select(writer => Task.Run(() =>
        {
            for (var round = 0; round < 10; round++)
                ConfigFile.Edit(_home.ConfigPath, file => file.Set($"writer{writer}_{round}", "was here"));
        }));

        await Task.WhenAll(writers);

        var file = ConfigFile.Load(_home.ConfigPath);
        for (var writer = 0; writer < 8; writer++)
        {
            for (var round = 0; round < 10; round++)
                file.String($"writer{writer}_{round}").ShouldBe("was here");
        }

        Directory.GetFiles(_home.Path, "*.tmp").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_reader_sees_an_intact_file_at_every_instant()
    {
        _home.Store.Save(ScriptedServer.Key);
        using var done = new CancellationTokenSource();
        var reading = new TaskCompletionSource();
        var reader = Task.Run(() =>
        {
            var reads = 0;
            for (; !done.IsCancellationRequested; reads++)
            {
                reading.TrySetResult();
                _home.Store.FindApiKey().ShouldNotBeNull().Key.Length.ShouldBe(ScriptedServer.Key.Length);
            }

            return reads;
        });
        await reading.Task;

        for (var i = 0; i < 200; i++)
            _home.Store.Save("pyr_live_" + new string((char)('a' + (i % 6)), 48));
        await done.CancelAsync();

        (await reader).ShouldBePositive();
    }
}
