"""A framework whose calls tell themselves: LangChain, by whatever instrumentor is installed, else by our own.

Run it: `pip install langchain-openai openinference-instrumentation-langchain`, then
`python examples/framework_by_instrumentor.py` (needs no key).
"""

from __future__ import annotations

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI
from local import RUN, arrived, fake_model, homeostat_server
from pydantic import SecretStr

import homeostat


def main() -> None:
    with homeostat_server() as url, fake_model() as model:
        monitor = homeostat.init(url, service="shop")
        print("tells itself:", ", ".join(homeostat.instrument()))
        prompt = ChatPromptTemplate.from_messages([("system", "You are a shop."), ("user", "{question}")])
        chat = ChatOpenAI(model="gpt-4o-mini", base_url=model, api_key=SecretStr("none"))
        chain = prompt | chat | StrOutputParser()
        with homeostat.context(user_id="anna", session_id=RUN):
            for question in ("Can I return it?", "When do you ship?"):
                chain.invoke({"question": question})
        monitor.flush()
        for item in arrived(url, 2, f"&session={RUN}"):
            print(f"{item['name']}: {item['input']} -> {item['output']}  ({item['calls']} call, {item['model']})")


if __name__ == "__main__":
    main()
