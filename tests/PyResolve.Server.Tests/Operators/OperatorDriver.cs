using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Operators;
using PyResolve.Server.Tests.Devices;

namespace PyResolve.Server.Tests.Operators;

internal static class OperatorDriver
{
    public static async Task<Person> SignInOperatorAsync(this OwnServer own, OperatorRole role, string? email = null)
    {
        var account = await own.SignUpAsync(email);
        await own.Server.AddOperatorAsync(account, role);
        return await Person.SignedInAsync(own.Server, account);
    }

    public static Task AddOperatorAsync(this TestServer server, TestAccount account, OperatorRole role) =>
        server.Services.GetRequiredService<OperatorList>().AddAsync(account.UserId, role, TestContext.Current.CancellationToken);

    public static Task<Answer> SendAsync(this Person person, TestAccount account, string form, Dictionary<string, string>? fields = null) =>
        person.SendFormAsync($"/operator/accounts/{account.UserId}/{form}", new(fields ?? []) { ["reason"] = "They asked <b>twice</b>" });
}
