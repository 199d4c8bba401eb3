using PyResolve.Browser.Tests;

[assembly: AssemblyFixture(typeof(Browser))]
