from rehearse.command import main

raise SystemExit(main())
