namespace PyResolve.Client.Tests.Keys;

/// <summary>Several servers and accounts in one file.</summary>
[Collection(nameof(EnvironmentTests))]
public sealed class ProfileTests : IDisposable
{
    private const string TwoProfiles = """
        # Mine.
        api_key = "pyr_live_mine"

        [profiles.work]
        api_key = "pyr_live_work" # do not share
        api_url = "https://work.example"

        [profiles.lab]
        theme = 'dark'

        [migrators]
        pydantic = "migrate {path}"

        """;

    private readonly TemporaryHome _home = new();
    private readonly ProcessEnvironment _environment = new();

    public void Dispose()
    {
        _environment.Dispose();
        _home.Dispose();
    }

    [Fact]
    public void A_profile_has_its_own_key_and_server()
    {
        _home.Config = TwoProfiles;
        var work = Store("work");

        work.FindApiKey().ShouldNotBeNull().Key.ShouldBe("pyr_live_work");
        work.FindApiKey().ShouldNotBeNull().ToString().ShouldBe($"… (profiles.work.api_key in {_home.ConfigPath})");
        work.FindApiUrl().ShouldNotBeNull().Url.ShouldBe(new Uri("https://work.example"));
        work.ListProfiles().ShouldBe(["work", "lab"]);
        _home.Store.FindApiKey().ShouldNotBeNull().Key.ShouldBe("pyr_live_mine");
    }

    [Fact]
    public void A_removed_profile_leaves_all_else_as_it_was()
    {
        _home.Config = TwoProfiles;

        _home.Store.RemoveProfile("work").ShouldBeTrue();

        const string Work = "[profiles.work]\napi_key = \"pyr_live_work\" # do not share\napi_url = \"https://work.example\"\n\n";
        _home.Config.ShouldBe(TwoProfiles.Replace(Work, "", StringComparison.Ordinal));
        _home.Store.RemoveProfile("work").ShouldBeFalse();
        Should.Throw<ArgumentException>(() => _home.Store.RemoveProfile("my work"));
    }

    [Theory]
    [InlineData("a = \"1\"\n[profiles.work]\napi_key = \"k\"\n# Of the next.\n[b]\n", "a = \"1\"\n# Of the next.\n[b]\n")]
    [InlineData("[profiles.work]\nx = \"1\"\n\n[b]\n[profiles.work.deep]\ny = \"2\"\n", "[b]\n")]
    [InlineData("[profiles]\nwork = { api_key = \"k\" }\nlab = { x = \"1\" }\n", "[profiles]\nlab = { x = \"1\" }\n")]
    [InlineData("profiles.work.api_key = \"k\"\nb = \"2\"\nprofiles.work.api_url = \"u\"\n", "b = \"2\"\n")]
    [InlineData("[[profiles]]\nname = \"work\"\napi_key = \"k\"\n\n[[profiles]]\nname = \"lab\"\n", "[[profiles]]\nname = \"lab\"\n")]
    [InlineData("[b]\nx = \"1\"\n\n[profiles.work]\n", "[b]\nx = \"1\"\n")]
    public void A_profile_is_removed_in_whatever_form_it_is_written(string before, string after)
    {
        _home.Config = before;

        _home.Store.RemoveProfile("work").ShouldBeTrue();

        _home.Config.ShouldBe(after);
    }

    [Fact]
    public void Profiles_share_no_settings()
    {
        _home.Config = TwoProfiles;

        Store("lab").FindApiKey().ShouldBeNull();
        _home.Store.FindApiUrl().ShouldBeNull();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("pyr_live_environment")]
    public void A_mistyped_profile_is_an_error_that_lists_those_there_are_and_sends_no_key_to_the_public_server(string? key)
    {
        _home.Config = TwoProfiles;
        _environment.Set("PYRESOLVE_API_KEY", key);

        ShouldBeUnknown(() => Store("wrok").FindApiKey(), "The profile option");
        ShouldBeUnknown(() => Store("wrok").FindApiUrl(), "The profile option");
        ShouldBeUnknown(() => Store("wrok").RemoveApiKey(), "The profile option");
        ShouldBeUnknown(() => PyResolveClient.Create(new() { Home = _home.Path, Profile = "wrok" }), "The profile option");
        _environment.Set("PYRESOLVE_PROFILE", "wrok");
        ShouldBeUnknown(() => PyResolveClient.Create(new() { Home = _home.Path }), "PYRESOLVE_PROFILE");
        _environment.Set("PYRESOLVE_PROFILE", null);
        _home.Config = "profile = 'wrok'\n" + TwoProfiles;
        ShouldBeUnknown(() => PyResolveClient.Create(new() { Home = _home.Path }), $"profile in {_home.ConfigPath}");
    }

    [Fact]
    public void A_profile_that_does_not_exist_is_an_error_although_key_and_server_are_in_the_environment()
    {
        _environment.Set("PYRESOLVE_API_KEY", "pyr_live_environment");
        _environment.Set("PYRESOLVE_API_URL", "https://environment.example");
        _environment.Set("PYRESOLVE_PROFILE", "wrok");

        Should.Throw<PyResolveException>(() => PyResolveClient.Create(new() { Home = _home.Path })).Hint
            .ShouldBe("It has no profiles. Correct the name, or save a key under it first.");
    }

    [Fact]
    public void A_profile_that_does_not_exist_cannot_become_the_default()
    {
        _home.Config = TwoProfiles;

        ShouldBeUnknown(() => _home.Store.UseProfile("wrok"), "This call");

        _home.Config.ShouldBe(TwoProfiles);
    }

    [Fact]
    public void Options_with_key_and_server_need_no_profile()
    {
        _environment.Set("PYRESOLVE_PROFILE", "a developer's own");

        using var client = PyResolveClient.Create(new() { Home = _home.Path, ApiKey = "pyr_live_a", ApiUrl = new("https://a.example") });

        client.ApiUrl.ShouldBe(new Uri("https://a.example"));
    }

    [Fact]
    public void The_profile_of_code_comes_before_that_of_the_environment_and_of_the_file()
    {
        _home.Config = TwoProfiles;
        _home.Store.UseProfile("lab");
        _home.Store.FindProfile().ShouldBe("lab");

        _environment.Set("PYRESOLVE_PROFILE", "work");
        _home.Store.FindProfile().ShouldBe("work");
        Store("code").FindProfile().ShouldBe("code");

        _environment.Set("PYRESOLVE_PROFILE", null);
        _home.Store.UseProfile(null);
        (_home.Store.FindProfile(), _home.Config).ShouldBe((null, TwoProfiles));
    }

    [Theory]
    [InlineData("work", "api_key = \"pyr_live_work\" #", "api_key = \"pyr_live_new\" #")]
    [InlineData("lab", "theme = 'dark'\n", "theme = 'dark'\napi_key = \"pyr_live_new\"\n")]
    [InlineData("other", "{path}\"\n", "{path}\"\n\n[profiles.other]\napi_key = \"pyr_live_new\"\n")]
    public void A_key_is_saved_in_its_profile_and_the_rest_stays(string profile, string before, string after)
    {
        _home.Config = TwoProfiles;

        Store(profile).Save("pyr_live_new");

        _home.Config.ShouldBe(TwoProfiles.Replace(before, after));
        Store(profile).FindApiKey().ShouldNotBeNull().Key.ShouldBe("pyr_live_new");
    }

    [Theory]
    [InlineData("")]
    [InlineData("[profiles.work]")]
    [InlineData("[profiles.work]\r\n")]
    [InlineData("profiles.work.theme = 'dark'")]
    [InlineData("[profiles]\nwork.theme = 'dark'\n")]
    public void A_profile_is_saved_in_any_file(string config)
    {
        _home.Config = config;

        Store("work").Save("pyr_live_new", new("https://work.example"));

        Store("work").FindApiKey().ShouldNotBeNull().Key.ShouldBe("pyr_live_new");
        Store("work").FindApiUrl().ShouldNotBeNull().Url.ShouldBe(new Uri("https://work.example"));
        _home.Config.ShouldStartWith(config);
    }

    [Fact]
    public void Removing_a_key_removes_only_the_key_of_its_profile()
    {
        _home.Config = TwoProfiles;

        Store("work").RemoveApiKey().ShouldBeTrue();
        Store("lab").RemoveApiKey().ShouldBeFalse();

        _home.Config.ShouldBe(TwoProfiles.Replace("api_key = \"pyr_live_work\" # do not share\n", ""));
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("a.b")]
    public void An_invalid_profile_name_is_rejected(string name)
    {
        Should.Throw<ArgumentException>(() => Store(name));
        Should.Throw<PyResolveException>(() => PyResolveClient.Create(new() { Profile = name }))
            .Code.ShouldBe(PyResolveErrorCodes.InvalidConfiguration);
        _home.Config = $"profile = '{name}.'";
        Should.Throw<PyResolveException>(() => _home.Store.FindApiKey()).Message.ShouldContain(_home.ConfigPath);
    }

    [Fact]
    public async Task A_client_takes_the_key_and_the_server_of_its_profile()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /quota", Answer.Quota(0));
        _home.Config = $"[profiles.work]\napi_key = '{ScriptedServer.Key}'\napi_url = '{server.Url}'\n";
        await using var client = PyResolveClient.Create(new() { Home = _home.Path, Profile = "work" });

        await client.GetQuotaAsync(TestContext.Current.CancellationToken);

        server.Requests.Single().Header("X-API-Key").ShouldBe(ScriptedServer.Key);
    }

    private void ShouldBeUnknown(Func<object?> act, string origin) => ShouldBeUnknown(() => { act(); }, origin);

    private void ShouldBeUnknown(Action act, string origin)
    {
        var exception = Should.Throw<PyResolveException>(act);

        exception.Code.ShouldBe(PyResolveErrorCodes.InvalidConfiguration);
        exception.Cause.ShouldBe($"{origin} names the profile 'wrok', which {_home.ConfigPath} does not have.");
        exception.Hint.ShouldBe("Its profiles are: work, lab. Correct the name, or save a key under it first.");
    }

    private ApiKeyStore Store(string profile) => new(_home.Path, profile);
}
