using PyResolve.Server.Operators;
using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Site;

namespace PyResolve.Server.Tests.Operators;

public sealed class CostPageTests(SharedServers servers)
{
    [Fact]
    public async Task Operators_estimate_what_their_server_costs_with_an_example_to_begin_with()
    {
        var person = await OperatorAsync();

        var example = await person.GetAsync("/operator/costs");
        var large = await person.GetAsync("/operator/costs?accounts=100,000&requests=100000000&events=100%20000%20000&subscribers=3000");

        example.Text.ShouldContain("name=\"accounts\" type=\"text\" value=\"10000\"");
        PageTable.Rows(example.Text)[0].ShouldStartWith("one machine|$10.00|");
        large.Text.ShouldContain("720.40 GB");
        var estimate = new CostEstimate(new CostQuestion(100_000, 100_000_000, 100_000_000, 3_000, 19));
        PageTable.Rows(large.Text)[1].ShouldStartWith($"machines and PostgreSQL|${estimate.Lines[1].Monthly:N2}|2 machines for servers");
    }

    [Fact]
    public async Task Operators_put_in_what_their_machines_and_disks_cost()
    {
        var person = await OperatorAsync();

        var page = await person.GetAsync("/operator/costs?machine=24.50&disk=0.08&events=100000000&months=1");

        page.Text.ShouldContain("name=\"machine\" type=\"text\" value=\"24.50\"");
        PageTable.Rows(page.Text)[0].ShouldContain("assumed: $24.50 for 2 cores and 4 GB, $0.08 for a GB of disk over 40");
    }

    [Theory]
    [InlineData("disk=-1", "A GB of disk must be from 0 to 1,000,000, as 19 or 19.50.")]
    [InlineData("events=many", "Usage events must be a number from 0 to 1,000,000,000,000.")]
    [InlineData("accounts=-1", "Accounts must be a number")]
    [InlineData("months=121", "Months must be a number from 0 to 120.")]
    [InlineData("price=1e3", "Price must be from 0 to 1,000,000, as 19 or 19.50.")]
    public async Task What_is_no_number_is_named_at_its_field(string query, string message)
    {
        var person = await OperatorAsync();

        var page = await person.GetAsync($"/operator/costs?{query}");

        page.Status.ShouldBe(422);
        page.Text.ShouldContain(message);
        page.Text.ShouldNotContain("id=\"prices\"");
    }

    private async Task<Person> OperatorAsync()
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);
        await server.AddOperatorAsync(account, OperatorRole.Support);
        return await Person.SignedInAsync(server, account);
    }
}
