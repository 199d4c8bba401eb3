using Microsoft.Extensions.Configuration;
using PyResolve.Server.Hosting;
using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Hosting;

public sealed class SettingsListTests
{
    [Theory]
    [InlineData("DATABASE_URL", "postgres://localhost/x")]
    [InlineData("PYRESOLVE_LEASE_KEY", "x")]
    [InlineData("PYRESOLVE_ENCRYPTION_KEY", "x")]
    [InlineData("STRIPE_SECRET_KEY", "x")]
    [InlineData("STRIPE_WEBHOOK_SECRET", "x")]
    [InlineData("SUPABASE_JWT_SECRET", "x")]
    [InlineData("SUPABASE_ANON_KEY", "x")]
    [InlineData("SUPABASE_SERVICE_KEY", "x")]
    [InlineData("PyResolve:Smtp:Password", "x")]
    [InlineData("PYRESOLVE_PUBLIC_URL", "https://user:password@example.com")]
    [InlineData("STRIPE_PRICE_PRO", "sk_live_pasted_into_the_wrong_place")]
    public void A_secret_is_known_by_its_name_or_by_its_form(string name, string value) =>
        SettingsList.IsSecret(name, value).ShouldBeTrue();

    [Theory]
    [InlineData("PyResolve:KeysPerHour", "10")]
    [InlineData("PyResolve:RememberedKeys", "10")]
    [InlineData("PYRESOLVE_SIGNUP", "open")]
    [InlineData("STRIPE_PRICE_PRO", "price_1")]
    public void What_is_no_secret_is_shown(string name, string value) => SettingsList.IsSecret(name, value).ShouldBeFalse();

    [Fact]
    public void The_last_source_wins()
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("PyResolve:SessionDays", "7")])
            .AddCommandLine(["--PyResolve:SessionDays=9"])
            .Build();

        var setting = SettingsList.Read(configuration).ShouldHaveSingleItem();
        (setting.Name, setting.Value, setting.Source, setting.IsKnown).ShouldBe(("PyResolve:SessionDays", "9", "command line", true));
    }

    [Fact]
    public void Every_setting_is_listed_also_with_its_default_and_what_is_not_known_comes_last()
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(
                [
                    new("PyResolve:Plans:pro:MigrationsLimit", "70"), new("PYRESOLVE_DATAA", "secret?"),
                    new("PYRESOLVE_API_KEY", "a client's"),
                ])
            .Build();

        var all = SettingsList.ReadAll(configuration);

        all.Count.ShouldBe(SettingsTable.All.Count + 1);
        all.Single(static one => one.Name == "PyResolve:Plans:pro:MigrationsLimit").Value.ShouldBe("70");
        all.Single(static one => one.Name == "PyResolve:SessionDays").ShouldSatisfyAllConditions(
            one => one.IsSet.ShouldBeFalse(), one => one.Setting!.Default.ShouldBe("30"));
        all[^1].ShouldSatisfyAllConditions(
            one => one.Name.ShouldBe("PYRESOLVE_DATAA"), one => one.IsKnown.ShouldBeFalse(), one => one.Value.ShouldBeNull());
    }

    [Fact]
    public void The_page_of_all_settings_is_made_from_the_table() =>
        Guide.Text("configuration.md").ShouldBe(SettingsReference.Write(), "Run: pyresolve-server config --markdown");

    [Fact]
    public void No_two_settings_have_one_name_and_every_guide_is_there()
    {
        SettingsTable.All.Select(static setting => setting.Name.ToUpperInvariant()).ShouldBeUnique();
        foreach (var section in SettingsTable.Sections)
            Guide.Text(section.Guide.Split('#')[0]).ShouldStartWith("# ");
    }
}
