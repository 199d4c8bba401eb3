namespace PyResolve.Client.Tests.Keys;

/// <summary>The same profiles in every form that TOML has for tables.</summary>
public sealed class ProfileFormTests : IDisposable
{
    private const string Key = "pyr_live_work";
    private const string NewKey = "pyr_live_new";

    private readonly TemporaryHome _home = new();

    public static TheoryData<string> Forms => new(
        """
        [profiles.work]
        api_key = "pyr_live_work" # mine
        api_url = "https://work.example"
        """,
        """
        [profiles]
        work = { api_key = "pyr_live_work", api_url = "https://work.example" } # mine
        """,
        """
        profiles = { work = { api_url = "https://work.example", api_key = "pyr_live_work" } } # mine
        """,
        """
        profiles.work = { api_url = "https://work.example", api_key = "pyr_live_work" } # mine
        """,
        """
        profiles = {
            work = {
                api_key = "pyr_live_work", # mine
                api_url = "https://work.example",
            },
        }
        """,
        """
        profiles = { work.api_key = "pyr_live_work", work.api_url = "https://work.example" } # mine
        """,
        """
        profiles.work.api_key = "pyr_live_work" # mine
        profiles.work.api_url = "https://work.example"
        """,
        """
        [profiles]
        work.api_key = "pyr_live_work" # mine
        work.api_url = "https://work.example"
        """,
        """
        [ "profiles" . 'work' ]
        'api_key' = '''pyr_live_work''' # mine
        "api_url" = "https://work.example"
        """,
        """
        [[profiles]]
        name = "work"
        api_key = "pyr_live_work" # mine
        api_url = "https://work.example"
        """,
        """
        profiles = [{ name = "work", api_key = "pyr_live_work", api_url = "https://work.example" }] # mine
        """,
        """
        [[profiles]]
        [profiles.work]
        api_key = "pyr_live_work" # mine
        api_url = "https://work.example"
        """,
        """
        [[profiles.work]]
        api_key = "pyr_live_work" # mine
        api_url = "https://work.example"
        """);

    private ApiKeyStore Work => new(_home.Path, "work");

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_profile_is_read_in_whatever_form_it_is_written(string form)
    {
        _home.Config = form;

        Work.ListProfiles().ShouldBe(["work"]);
        Work.FindApiKey().ShouldNotBeNull().Key.ShouldBe(Key);
        Work.FindApiUrl().ShouldNotBeNull().Url.ShouldBe(new Uri("https://work.example"));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_key_is_replaced_where_it_stands(string form)
    {
        _home.Config = form;

        Work.Save(NewKey);

        _home.Config.ReplaceLineEndings().ShouldBe(form.Replace($"'''{Key}'''", $"\"{NewKey}\"").Replace(Key, NewKey).ReplaceLineEndings());
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Logging_out_leaves_no_key_in_the_file(string form)
    {
        _home.Config = form;

        Work.RemoveApiKey().ShouldBeTrue();

        _home.Config.ShouldNotContain(Key);
        Work.FindApiKey().ShouldBeNull();
        Work.FindApiUrl().ShouldNotBeNull().Url.ShouldBe(new Uri("https://work.example"));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_key_can_be_added_after_it_was_removed(string form)
    {
        _home.Config = form;
        Work.RemoveApiKey();

        Work.Save(NewKey);

        Work.FindApiKey().ShouldNotBeNull().Key.ShouldBe(NewKey);
        Work.FindApiUrl().ShouldNotBeNull().Url.ShouldBe(new Uri("https://work.example"));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Another_profile_is_added_or_refused_before_anything_is_written(string form)
    {
        _home.Config = form;
        var other = new ApiKeyStore(_home.Path, "lab");

        try
        {
            other.Save(NewKey, new("https://lab.example"));
        }
        catch (ConfigFileException exception)
        {
            exception.Message.ShouldContain("array");
            _home.Config.ShouldBe(form);
            return;
        }

        other.FindApiKey().ShouldNotBeNull().Key.ShouldBe(NewKey);
        other.FindApiUrl().ShouldNotBeNull().Url.ShouldBe(new Uri("https://lab.example"));
        other.ListProfiles().ShouldBe(["work", "lab"], ignoreOrder: true);
        Work.FindApiKey().ShouldNotBeNull().Key.ShouldBe(Key);
    }

    [Theory]
    [InlineData("profiles = 'work'")]
    [InlineData("profiles.work = 'x'")]
    [InlineData("[profiles.work.api_key]")]
    [InlineData("[[profiles]]\nname = 'work'\napi_key = 'a'\n[[profiles]]\nname = 'work'\napi_key = 'b'\n")]
    public void What_cannot_be_edited_is_refused_before_anything_is_written(string config)
    {
        _home.Config = config;

        Should.Throw<ConfigFileException>(() => Work.Save(NewKey));

        _home.Config.ShouldBe(config);
    }

    [Fact]
    public void A_tools_own_settings_are_read_in_every_form()
    {
        foreach (var config in new[]
        {
            "[migrators]\na = 'x'\nb = 'y'\n", "migrators = { a = 'x', b = 'y' }", "migrators.a = 'x'\nmigrators.b = 'y'",
            "[[migrators]]\na = 'x'\n[[migrators]]\nb = 'y'\n",
        })
        {
            _home.Config = config;

            _home.Store.ReadSettings("migrators").ShouldBe(new Dictionary<string, string> { ["a"] = "x", ["b"] = "y" });
            _home.Store.ReadSetting("migrators", "b").ShouldBe("y");
        }
    }

    public void Dispose() => _home.Dispose();
}
